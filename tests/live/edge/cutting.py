"""Between a worker and HAProxy's socket: passes everything on, and cuts the replies that it is told to."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Cut = Callable[[int, bytes], bytes]  # number of the exchange from 1, whole reply -> what of it is passed on


class Cutter:
    """`heard` is what each connection asked; `cut` is asked for every reply."""

    def __init__(self, path: Path, real: Path) -> None:
        self.path = path
        self.heard: list[str] = []
        self.cut: Cut = lambda _, reply: reply
        self._real = real
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
                asked = _whole(connection)
                self.heard.append(asked.decode())
                reply = self._pass_on(asked)
                connection.sendall(self.cut(len(self.heard), reply))

    def _pass_on(self, asked: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as real:
            try:
                real.connect(str(self._real))
                real.sendall(asked)
                real.shutdown(socket.SHUT_WR)
                return _whole(real)
            except ConnectionError:
                return b""

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def _whole(connection: socket.socket) -> bytes:
    chunks = []
    while chunk := connection.recv(262_144):
        chunks.append(chunk)
    return b"".join(chunks)


@contextmanager
def cutter(path: Path, real: Path) -> Iterator[Cutter]:
    running = Cutter(path, real)
    try:
        yield running
    finally:
        running.close()
