"""One node as its worker holds it: settings, memory, trees and sockets."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from balancer.edge import certificates, service
from balancer.edge.master import Master
from balancer.edge.runtime import Runtime
from balancer.edge.service import Service
from balancer.edge.settings import NodeEnvironment
from balancer.edge.store import Store
from balancer.edge.tree import FRONTENDS, Piece, Texts, Tree, piece_of
from balancer.edge.trees import Trees
from balancer.haproxy.capabilities import Capabilities, parse_version
from balancer.haproxy.render import CERTIFICATE_LIST, NodeSettings, render_fixed
from balancer.haproxy.show import parse_info
from balancer.haproxy.text import Unprintable

SHORTEST_DELAY_S, LONGEST_GATHERING_S = 0.05, 0.25
LONGEST_DELAY_S = 60.0
AGAIN_S = 2.0  # until a server that is still in use is asked for again
LONGEST_SILENCE_S = 5.0


class Node:
    """`tree` is what `config/current` holds; `later` are tenants with a server that is still in use, `refused` those
    of which HAProxy did not take a command: the reload brings it. `own` are the node's own files where HAProxy runs
    others, as after an upgrade of ours: the reload brings them too."""

    def __init__(self, environment: NodeEnvironment) -> None:
        self.environment = environment
        self.store = Store(environment.folder)
        self.trees = Trees(environment.folder / "config")
        self.runtime = Runtime(environment.admin_socket)
        self.master = Master(environment.master_socket)
        self.service = service.kept(environment.folder)
        self.settings = service.settings_for(self.service, node_settings(environment))
        self.tree = Tree(self.settings)
        self.later: set[str] = set()
        self.refused: set[str] = set()
        self.own: Texts = {}
        self.reload_wanted = False
        self.reload_ended = 0.0  # time.monotonic() of the last one's end
        self.reload_took = 0.0  # seconds
        self.reload_began: float | None = None  # time.monotonic() of the one that is under way
        self.reload_failures = 0  # in a row
        self.reload_asked_until = 0.0  # time.monotonic() up to which a message for it is on its way
        self.resume_asked_until = 0.0  # likewise
        self.silences = 0  # in a row, of HAProxy
        self.serving_pid = 0  # of the worker that the last reload of ours brought
        self.version = ""
        self._reads = 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone on the node, with a memory and a tree that are as on disk."""
        with self.store.locked():
            if self._reads != self.store.reads:
                self._start_over()
            yield

    @property
    def reload_due(self) -> bool:
        return self.reload_wanted or self.service_due or bool(self.store.waiting)

    @property
    def capabilities(self) -> Capabilities:
        """What the running HAProxy can do; asks it the first time. Raises NodeUnreachable."""
        if not self.version:
            self.version = parse_info(self.runtime.ask("show info"))["Version"]
        return parse_version(self.version)

    @property
    def service_due(self) -> bool:
        """Does HAProxy read a tree of another kind of service than it shall?"""
        if self.trees.number is None:
            return False
        return service.running((self.trees.current / FRONTENDS).read_text()) is not self.service

    def fixed_texts(self) -> Texts:
        """The node's own files for its service. One that started without a certificate goes on without."""
        tls = (self.trees.current / CERTIFICATE_LIST).exists()
        return dict(render_fixed(self.settings if tls else replace(self.settings, https_bind="")))

    def serve(self, wanted: Service) -> None:
        """In service or not, from the next reload on, and after every restart. Under the node's lock."""
        if wanted is not self.service:
            service.keep(self.environment.folder, wanted)
            self.service = wanted
            self.settings = service.settings_for(wanted, node_settings(self.environment))
            self.tree.settings = self.settings

    def certificate_due(self, now: float) -> bool:
        """Does the node's own certificate end soon? The reload renews it. `now` is epoch seconds."""
        moment = datetime.fromtimestamp(now, UTC)
        return bool(self.environment.https_bind) and certificates.due(self.environment.certificates, now=moment)

    @property
    def state_file(self) -> Path:
        """What servers were like, for the next start of a worker."""
        return Path(self.settings.state_file)

    def reload_delay(self, now: float) -> float:
        """Seconds to wait before the gathered reload. `now` is time.monotonic().

        A tenth of what a reload takes is spent on gathering: a pool that is a moment late has to wait for the next one,
        but its backends and its route do not, and never more than a third of the time is spent reloading.
        """
        if self.reload_failures:
            return min(LONGEST_DELAY_S, 2.0**self.reload_failures)
        gathering = min(LONGEST_GATHERING_S, max(SHORTEST_DELAY_S, self.reload_took / 10))
        rest = self.reload_ended + 2 * self.reload_took - now if self.reload_ended else 0.0
        return max(gathering, rest)

    def resume_delay(self) -> float:
        """Seconds until what had to wait is gone on with: longer each time that HAProxy does not answer."""
        return min(LONGEST_DELAY_S, AGAIN_S * 2.0 ** max(self.silences - 1, 0))

    def reads_later(self, now: float) -> bool:
        """Shall who reads HAProxy's figures wait? While a reload is under way a reading makes everybody's change late:
        the workers and we share the cores. Not for ever: the console listens for us."""
        return self.reload_began is not None and now - self.reload_began < LONGEST_SILENCE_S

    def _start_over(self) -> None:
        """Another process changed the folder, or this one is new: nothing that it knew counts."""
        self.tree = Tree(self.settings)
        self.tree.apply(dict(self._loaded_pieces()))
        self.later.clear()
        self.refused.clear()
        self.version = ""
        self.mend()
        self._reads = self.store.reads

    def mend(self) -> None:
        """Files that say something else than what is remembered are written again."""
        if self.trees.number is not None:
            self._mend_tree()
            self.own = self._own_files_that_differ()
            self.reload_wanted |= bool(self.own)

    def _loaded_pieces(self) -> Iterator[tuple[str, Piece]]:
        for key, kept in self.store.kept.items():
            if kept.loaded_state is not None:
                try:
                    yield key, piece_of(kept.loaded_state)
                except Unprintable:
                    # It was taken by a more lenient version of ours: one tenant's trouble stays its own.
                    self.store.unreadable.add(key)

    def _mend_tree(self) -> None:
        """A process that ended between a tenant's file and the tree's left the tree behind.

        Not the node's own files: which addresses are new is told by what they say now.
        """
        fixed = render_fixed(self.settings)
        texts = {name: text for name, text in self.tree.texts().items() if name not in fixed}
        for path in self.trees.current.glob("50-shard-*.cfg"):
            texts.setdefault(path.name, None)
        for name, text in texts.items():
            if self._on_disk(name) != text:
                self.trees.change({name: text})

    def _own_files_that_differ(self) -> Texts:
        return {name: text for name, text in self.fixed_texts().items() if self._on_disk(name) != text}

    def _on_disk(self, name: str) -> str | None:
        with suppress(FileNotFoundError):
            return (self.trees.current / name).read_text()
        return None


def node_settings(environment: NodeEnvironment) -> NodeSettings:
    return NodeSettings(
        run_folder=str(environment.folder / "run"),
        http_bind=environment.http_bind,
        https_bind=environment.https_bind,
        certificate_folder=str(environment.certificates),
        passthrough_bind=environment.passthrough_bind,
        tcp_address=environment.tcp_address,
        tunnel_idle_s=environment.tunnel_idle_s,
        hard_stop_after_s=environment.hard_stop_s,
        threads=environment.threads,
        log_target=str(environment.log_socket),
    )
