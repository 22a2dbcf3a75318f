"""A unix socket that answers by a script."""

import socket
import threading
from collections.abc import Callable
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
                data = whole(connection).decode()
                self.heard.append(data)
                self._script(connection, data)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def whole(connection: socket.socket) -> bytes:
    """What comes until the other side has said all."""
    chunks = []
    while chunk := connection.recv(262_144):
        chunks.append(chunk)
    return b"".join(chunks)
