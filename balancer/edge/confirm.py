"""Order a reload and see it through: 2.6 tells nobody whether it worked (`haproxy.md 1.3`)."""

import os
import time
from contextlib import suppress

from balancer.edge.errors import CommandRejected, NodeUnreachable, ReloadFailed
from balancer.edge.node import Node
from balancer.haproxy.show import Processes, parse_info, parse_stat

PATIENCE_S = 60.0  # 100,000 servers take about ten
OPEN_PATIENCE_S = 0.5
NO_PID_S = 1.0
SHORTEST_POLL_S, LONGEST_POLL_S = 0.005, 0.03


def order(node: Node) -> Processes:
    """Ask for a reload; returns what there was before it. Raises ReloadFailed, NodeUnreachable."""
    before = _settled(node)
    try:
        node.master.reload(timeout=PATIENCE_S)
    except CommandRejected as error:
        raise ReloadFailed(f"HAProxy refused the reload: {error.reply}") from error
    return before


def _settled(node: Node) -> Processes:
    """What there is once nobody's reload is under way: a worker of ours may have been killed right after ordering one,
    and a second must not be sent before the first is done. Raises NodeUnreachable."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return node.master.processes()
        except NodeUnreachable:
            if not _master_lives(node) or time.monotonic() > deadline:
                raise
        time.sleep(SHORTEST_POLL_S)


def confirm(node: Node, before: Processes) -> None:
    """Wait for a worker that was not there before, and for its socket. Raises ReloadFailed, NodeUnreachable."""
    deadline = time.monotonic() + PATIENCE_S
    pause = SHORTEST_POLL_S
    while not _done(node, before):
        if time.monotonic() > deadline:
            raise ReloadFailed(f"No new worker answered within {PATIENCE_S:.0f} s.")
        time.sleep(pause)
        pause = min(LONGEST_POLL_S, pause * 1.5)
    node.version = ""


def replaced(node: Node, before: Processes) -> bool:
    """Does another worker serve than before?"""
    return not {one.pid for one in node.master.processes().workers} <= {one.pid for one in before.workers}


def frontends_open(node: Node) -> None:
    """Raise ReloadFailed unless every frontend takes connections: after a bind conflict a reload reads as a success
    while they stay paused (`haproxy.md 1.3`)."""
    deadline = time.monotonic() + OPEN_PATIENCE_S
    while closed := _closed(node):
        if time.monotonic() > deadline:
            raise ReloadFailed(f"After the reload {', '.join(sorted(closed))} does not take connections.")
        time.sleep(SHORTEST_POLL_S)


def _closed(node: Node) -> set[str]:
    rows = parse_stat(node.runtime.ask("show stat -1 1 -1"))
    return {row["pxname"] for row in rows if row["status"] != "OPEN"} if rows else {"the frontend"}


def _done(node: Node, before: Processes) -> bool:
    try:
        now = node.master.processes()
    except NodeUnreachable:
        # The master executes itself anew; unless it is gone, it comes back.
        if not _master_lives(node):
            raise
        return False
    if now.reloads <= before.reloads:
        return False
    if now.failed:
        raise ReloadFailed("HAProxy could not start with the new configuration; the previous worker goes on.")
    new = {one.pid for one in now.workers} - {one.pid for one in before.workers}
    pid = _answering_pid(node)
    if pid not in new:
        return False
    node.serving_pid = pid
    return True


def _answering_pid(node: Node) -> int:
    with suppress(NodeUnreachable):
        return int(parse_info(node.runtime.ask("show info"))["Pid"])
    return 0


def _master_lives(node: Node) -> bool:
    try:
        os.kill(_master_pid(node), 0)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _master_pid(node: Node) -> int:
    """Executing itself anew, the master takes its file away and makes it again, empty at first: 2 ms of each reload,
    just while its socket refuses (2.6.12). Raises FileNotFoundError, ValueError."""
    deadline = time.monotonic() + NO_PID_S
    while True:
        try:
            return int((node.environment.folder / "run" / "pid").read_text())
        except (FileNotFoundError, ValueError):
            if time.monotonic() > deadline:
                raise
        time.sleep(SHORTEST_POLL_S)
