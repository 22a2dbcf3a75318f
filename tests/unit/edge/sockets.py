"""A fake of HAProxy's sockets that speaks the real protocol on a real unix socket."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Script = Callable[[socket.socket, str], None]


class FakeSocket:
    """`heard` is what each connection sent, whole."""

    def __init__(self, path: Path, script: Script) -> None:
        self.heard: list[str] = []
        self._script = script
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                data = b""
                while chunk := connection.recv(65_536):
                    data += chunk
                self.heard.append(data.decode())
                self._script(connection, data.decode())

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


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
