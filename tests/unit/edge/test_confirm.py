"""Is the master gone, or only busy with itself?"""

import os
import threading
import time
from pathlib import Path

import pytest

from balancer.edge import confirm
from balancer.edge.errors import NodeUnreachable
from balancer.edge.node import Node
from balancer.edge.settings import NodeEnvironment


@pytest.fixture
def node(folder: Path) -> Node:
    """Nobody listens on its sockets."""
    environ = {
        "VELOFLUX_NODE_ID": "n1",
        "VELOFLUX_NODE_NAME": "one",
        "VELOFLUX_NODE_DIR": str(folder),
        "VELOFLUX_NODE_HTTP_BIND": "127.0.0.1:1",
        "VELOFLUX_HAPROXY": "/usr/sbin/haproxy",
    }
    return Node(NodeEnvironment.from_environ(environ, worker=False))


@pytest.mark.parametrize("empty", [True, False])
def test_a_master_that_executes_itself_anew_is_waited_for(
    node: Node, folder: Path, monkeypatch: pytest.MonkeyPatch, *, empty: bool
) -> None:
    """Its pid file is away, and then empty, while its socket refuses."""
    monkeypatch.setattr(confirm, "PATIENCE_S", 0.6)
    pid = folder / "run" / "pid"
    if empty:
        pid.write_text("")
    back = threading.Timer(0.1, pid.write_text, [f"{os.getpid()}\n"])
    back.start()
    started = time.monotonic()
    with pytest.raises(NodeUnreachable):
        confirm.order(node)
    assert time.monotonic() - started >= 0.6, "it was asked again until patience ended"
    back.join()


def test_a_master_that_is_gone_is_not_waited_for(node: Node, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm, "NO_PID_S", 0.1)
    gone = os.posix_spawn("/bin/true", ["/bin/true"], {})
    os.waitpid(gone, 0)
    for text in (f"{gone}\n", ""):
        (folder / "run" / "pid").write_text(text)
        started = time.monotonic()
        with pytest.raises(NodeUnreachable):
            confirm.order(node)
        assert time.monotonic() - started < 5
