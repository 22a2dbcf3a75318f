"""A fake of HAProxy's sockets that speaks the real protocol on a real unix socket."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fake_socket import FakeSocket, Script


@contextmanager
def fake(path: Path, script: Script) -> Iterator[FakeSocket]:
    running = FakeSocket(path, script)
    try:
        yield running
    finally:
        running.close()


def interactive(reply: Callable[[str], str]) -> Script:
    """As 2.6.12 after `prompt`: `> ` ends each reply, `+ ` answers the command and each line of a payload."""

    def script(connection: socket.socket, data: str) -> None:
        lines = iter(data.splitlines())
        for line in lines:
            pluses = ""
            if line.endswith("<<"):
                pluses = "+ "
                while next(lines, ""):
                    pluses += "+ "
            said = "" if line == "prompt" or line.startswith("set severity") else reply(line)
            body = f"{said}\n" if said else ""
            connection.sendall(f"{pluses}{body}\n> ".encode())

    return script
