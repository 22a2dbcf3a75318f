"""A worker that is killed: `python -m tests.live.edge.victim <body> <n>` ends itself by SIGKILL at its n-th step of
converging; without a body, of reloading.

Its steps are what it does to a file, a socket or a process; it dies before the n-th, and ends well beyond the last.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from balancer.edge import files, loader, trees
from balancer.edge.converge import converge, reload
from balancer.edge.journal import Journal
from balancer.edge.master import Master
from balancer.edge.message import Message
from balancer.edge.node import Node
from balancer.edge.runtime import Runtime
from balancer.edge.settings import NodeEnvironment

left = 0


def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
    def step(*args: Any, **named: Any) -> Any:
        _count()
        return function(*args, **named)

    return step


def _count() -> None:
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def main(body: str, step: int) -> None:
    global left
    node = Node(NodeEnvironment.from_environ(os.environ))
    with node.locked():
        left = step
    for owner, name in (
        (Journal, "append"), (files, "write"), (files, "point"), (Runtime, "_talk"), (trees.Trees, "stage"),
        (trees.Trees, "clean"), (loader, "check"), (loader, "confirm"), (Master, "reload"),
    ):  # fmt: skip
        setattr(owner, name, deadly(getattr(owner, name)))
    if body:
        converge(node, Message.from_body(body, node=node.environment.id))
    else:
        reload(node)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
