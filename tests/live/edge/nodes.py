"""A real node in a folder of its own: HAProxy started as in production, and the console's side of the talk."""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from balancer.edge.converge import converge, reload
from balancer.edge.message import Message
from balancer.edge.node import Node
from balancer.edge.report import Report
from balancer.edge.settings import NodeEnvironment
from balancer.haproxy.codec import digest, to_json
from balancer.haproxy.desired import CheckType, HealthCheck, Pool, Route, Server, Tenant
from balancer.haproxy.show import parse_info, parse_servers
from tests.live.edge.origins import Origin
from tests.ports import free_port as free_port
from tests.programs import HAPROXY

KEY = "a key of this test"
REPOSITORY = Path(__file__).parents[3]
NO_CHECK = HealthCheck(type=CheckType.NONE)
# A busy machine's slow answer is no illness: that is an answer which says so, or none who listens.
FAST_CHECK = HealthCheck(type=CheckType.HTTP, path="/health", interval_ms=200, timeout_ms=3000, rise=1, fall=1)


def eventually(is_so: Callable[[], bool], *, within: float = 40.0) -> None:
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def server(key: str, origin: Origin, **changes: object) -> Server:
    return replace(Server(key=key, address="127.0.0.1", port=origin.port), **changes)  # type: ignore[arg-type]


def tenant(key: str, *servers: Server, host: str = "", check: HealthCheck = NO_CHECK) -> Tenant:
    pool = Pool(key="p1", servers=servers, health_check=check)
    return Tenant(key=key, pools=(pool,), routes=(Route("r1", host or f"{key}.test", "/", "p1"),))


class LiveNode:
    """`tell` is the console: it numbers generations and keeps what it last said."""

    def __init__(self, folder: Path) -> None:
        self.port, self.tls_port, self.passthrough_port = free_port(), free_port(), free_port()
        self.environ = {
            "VELOFLUX_NODE_ID": "n1",
            "VELOFLUX_NODE_NAME": "one",
            "VELOFLUX_NODE_KEY": KEY,
            "VELOFLUX_NODE_DIR": str(folder),
            "VELOFLUX_NODE_BROKER_URL": "redis://127.0.0.1:1/0",
            "VELOFLUX_NODE_HTTP_BIND": f"127.0.0.1:{self.port}",
            "VELOFLUX_NODE_HTTPS_BIND": f"127.0.0.1:{self.tls_port}",
            "VELOFLUX_NODE_PASSTHROUGH_BIND": f"127.0.0.1:{self.passthrough_port}",
            "VELOFLUX_HAPROXY": HAPROXY,
            "PATH": os.environ["PATH"],
        }
        self.folder = folder
        self.generations = itertools.count(1)
        self.files: dict[str, str] = {}  # what the console sends along
        self.process: subprocess.Popen[bytes] | None = None
        self.node = Node(NodeEnvironment.from_environ(self.environ))

    def start(self) -> None:
        with (self.folder / "log" / "haproxy.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "balancer.edge.boot"], env=self.environ, stdout=log, stderr=log, cwd=REPOSITORY
            )
        eventually(self._answers)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log" / "haproxy.log").read_text()
        try:
            return bool(self.node.master.processes().workers) and bool(self.node.runtime.ask("show info"))
        except Exception as error:  # noqa: BLE001 - until it answers, whatever it does is no answer
            return not error

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End HAProxy: the master, and with SIGKILL the workers that it leaves behind."""
        if self.process is None:
            return
        try:
            pids = [one.pid for one in self.node.master.processes().workers] if how is signal.SIGKILL else []
        except Exception:  # noqa: BLE001 - it is gone already
            pids = []
        self.process.send_signal(how)
        self.process.wait(10)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, how)
        self.process = None

    def fresh_worker(self) -> Node:
        """The edge worker as after a restart: it knows what is on disk."""
        self.node = Node(NodeEnvironment.from_environ(self.environ))
        return self.node

    def message(self, *tenants: Tenant | None, gone: tuple[str, ...] = (), since: int | None = None) -> Message:
        return Message.from_body(self.body(*tenants, gone=gone, since=since), node="n1")

    def body(self, *tenants: Tenant | None, gone: tuple[str, ...] = (), since: int | None = None) -> str:
        fragments = []
        for one in tenants:
            assert one is not None
            fragments.append(self._fragment(one.key, to_json(one), digest(one)))
        fragments += [self._fragment(key, None, "") for key in gone]
        generation = max([fragment["generation"] for fragment in fragments], default=self.node.store.generation)
        since = self.node.store.generation if since is None else since
        return json.dumps({"node": "n1", "since": since, "generation": generation, "fragments": fragments})

    def _fragment(self, key: str, state: object, digest_: str) -> dict[str, Any]:
        generation = next(self.generations)
        return {
            "tenant": key,
            "generation": generation,
            "digest": digest_,
            "state": state,
            "request_ids": [f"request-{generation}"],
            **({"files": self.files} if self.files else {}),
        }

    def tell(self, *tenants: Tenant, gone: tuple[str, ...] = ()) -> Report:
        """Converge, and reload when that is due. Returns the last report."""
        report = converge(self.node, self.message(*tenants, gone=gone))
        return reload(self.node) if self.node.reload_due else report

    def get(self, host: str, path: str = "/") -> tuple[int, str]:
        answer = httpx.get(f"http://127.0.0.1:{self.port}{path}", headers={"Host": host}, timeout=5)
        return answer.status_code, answer.text

    @property
    def worker_pid(self) -> int:
        """As the worker says it: from 3.1 the master calls it old after a reload that failed."""
        return int(parse_info(self.node.runtime.ask("show info"))["Pid"])

    def servers(self, proxy: str) -> dict[str, tuple[str, int, str]]:
        """Server -> (admin, weight, oper)."""

        found = parse_servers(self.node.runtime.ask(f"show servers state {proxy}"))
        return {key: (one.admin.value, one.weight, one.oper.value) for (_, key), one in found.items()}


@contextmanager
def one_node() -> Iterator[LiveNode]:
    """In a folder with a short name: a unix socket's path may have 107 characters, and pytest's folders are deep."""
    with tempfile.TemporaryDirectory(prefix="vf-") as folder:
        live = LiveNode(Path(folder) / "n1")
        try:
            live.start()
            yield live
        finally:
            live.kill()
