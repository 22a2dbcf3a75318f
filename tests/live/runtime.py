"""Ask a node's HAProxy itself what it runs: the tests' own eyes, independent of the product's client."""

import socket

from tests.live.stack import NodeUnderTest, until


def say(node: NodeUnderTest, command: str, which: str = "admin.sock") -> str:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(5)
        sock.connect(str(node.folder / "run" / which))
        sock.sendall(command.encode() + b"\n")
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while part := sock.recv(65536):
            answer += part
    return answer.decode(errors="replace")


def reloads(node: NodeUnderTest) -> int:
    """How often the master has reloaded since it started."""
    # A master that is reloading refuses for a moment.
    told = until(lambda: say(node, "show proc", "master.sock"), what="the master's answer")
    line = next(line for line in told.splitlines() if "master" in line)
    return int(line.split()[2])


def pid(node: NodeUnderTest) -> int:
    line = next(line for line in say(node, "show info").splitlines() if line.startswith("Pid:"))
    return int(line.split()[1])
