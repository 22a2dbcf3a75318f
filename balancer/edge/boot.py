"""`python -m balancer.edge.boot`: become HAProxy, with the newest configuration that it takes.

Renders from the fragments on disk every time. A tree that HAProxy refuses is left, and the last one that served is
used: traffic comes first, and the worker tells the console what differs.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from balancer.edge import certificates, files, ports
from balancer.edge.check import TreeRefused, check
from balancer.edge.errors import EdgeError, Unwritable
from balancer.edge.fragments import Kept
from balancer.edge.node import Node
from balancer.edge.settings import NodeEnvironment, SettingsMissing
from balancer.edge.states import at_start
from balancer.edge.tree import Piece, Tree, piece_of
from balancer.haproxy.capabilities import UnknownVersion, parse_version
from balancer.haproxy.render import NodeSettings
from balancer.haproxy.text import Unprintable

PASSED_ON = ("PATH", "TZ", "LANG")  # `show env` prints the environment: nothing else is HAProxy's business
PATIENCE_S = 10.0


class CannotStart(Exception):
    """The sentence that a person needs."""


def main(environ: Mapping[str, str]) -> None:
    """Prepare, then exec(): this process becomes the master, which the process manager watches."""
    environment = NodeEnvironment.from_environ(environ, worker=False)
    _require_version(environment.haproxy)
    node = Node(environment)
    prepare(node, now=datetime.now(UTC))
    os.chdir(environment.folder / "run")
    os.execve(environment.haproxy, command(environment), {name: environ[name] for name in PASSED_ON if name in environ})  # noqa: S606 - we are to become it, and no shell is near


def command(environment: NodeEnvironment) -> list[str]:
    run = environment.folder / "run"
    master = f"{environment.master_socket},mode,600"
    return [environment.haproxy, "-W", "-S", master, "-p", str(run / "pid"), "-f", str(environment.current)]


def prepare(node: Node, *, now: datetime) -> None:
    """Leave a tree that HAProxy takes in `config/current`, and no trace of the process before. Raises CannotStart."""
    try:
        with node.store.locked(patience=PATIENCE_S):
            _prepare(node, now)
    except Unwritable as error:
        if node.trees.number is None:
            raise CannotStart(str(error)) from error
        _clear(node)
        print(f"{error} The last configuration that served is used.", file=sys.stderr)
    except EdgeError as error:
        raise CannotStart(str(error)) from error


def _clear(node: Node) -> None:
    """The sockets of the process before."""
    for socket in (node.environment.admin_socket, node.environment.master_socket):
        socket.unlink(missing_ok=True)


def _prepare(node: Node, now: datetime) -> None:
    _clear(node)
    going = {**node.store.kept, **ports.as_can_be_had(node, listening=frozenset())}
    pieces = _pieces(going)
    tree = Tree(_settings(node, now))
    tree.apply(pieces)
    served = node.trees.number
    staged = node.trees.stage(tree.texts(), base=None)
    try:
        check(node.environment.haproxy, [node.trees.path(staged)])
    except TreeRefused as error:
        _fall_back(node, served, str(error))
    else:
        node.trees.use(staged)
        come = [kept for key, kept in going.items() if kept.waiting or kept != node.store.kept[key]]
        node.store.put(*(kept.taken() for kept in come if kept.tenant in pieces or kept.target_state is None))
    states = [kept.loaded_state for kept in node.store.kept.values() if kept.loaded_state is not None]
    files.write(node.state_file, at_start(states))
    node.trees.clean(served)
    node.store.restarted()


def _settings(node: Node, now: datetime) -> NodeSettings:
    """With no certificate to be had HTTP goes on alone: half of the traffic is more than none."""
    if not node.settings.https_bind:
        return node.settings
    try:
        said = certificates.keep(node.environment.certificates, name=node.environment.name, now=now)
    except certificates.NoCertificate as error:
        print(f"{error} Mend that and start again: nothing listens on {node.settings.https_bind}.", file=sys.stderr)
        return replace(node.settings, https_bind="")
    if said:
        print(said, file=sys.stderr)
    return node.settings


def _pieces(going: Mapping[str, Kept]) -> dict[str, Piece | None]:
    pieces: dict[str, Piece | None] = {}
    for key, kept in going.items():
        if kept.target_state is not None:
            with suppress(Unprintable):
                pieces[key] = piece_of(kept.target_state)
    return pieces


def _fall_back(node: Node, served: int | None, words: str) -> None:
    print(f"HAProxy refuses the newest configuration, the last one that served is used:\n{words}", file=sys.stderr)
    if served is None:
        raise CannotStart(f"HAProxy refuses the configuration, and none ever served here:\n{words}")
    try:
        check(node.environment.haproxy, [node.trees.path(served)])
    except TreeRefused as error:
        raise CannotStart(f"HAProxy refuses the last configuration that served, too:\n{error}") from error


def _require_version(haproxy: str) -> None:
    try:
        said = subprocess.run([haproxy, "-v"], capture_output=True, text=True, check=True, env={}, timeout=10).stdout
        capabilities = parse_version(said)
    except (OSError, subprocess.SubprocessError, UnknownVersion) as error:
        raise CannotStart(f"{haproxy} is no HAProxy that can be run here: {error}") from error
    if capabilities.too_old:
        raise CannotStart(f"{haproxy} is HAProxy {capabilities}; VeloFlux needs 2.6 or newer.")


if __name__ == "__main__":
    try:
        main(os.environ)
    except (CannotStart, SettingsMissing) as sentence:
        sys.exit(f"This node cannot start: {sentence}")
