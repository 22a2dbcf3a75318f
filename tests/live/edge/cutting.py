"""Between a worker and HAProxy's socket: passes everything on, and cuts the replies that it is told to."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fake_socket import FakeSocket, whole

Cut = Callable[[int, bytes], bytes]  # number of the exchange from 1, whole reply -> what of it is passed on


class Cutter(FakeSocket):
    """`cut` is asked for every reply."""

    def __init__(self, path: Path, real: Path) -> None:
        self.path = path
        self.cut: Cut = lambda _, reply: reply
        self._real = real
        super().__init__(path, self._answer)

    def _answer(self, connection: socket.socket, asked: str) -> None:
        reply = self._pass_on(asked.encode())
        connection.sendall(self.cut(len(self.heard), reply))

    def _pass_on(self, asked: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as real:
            try:
                real.connect(str(self._real))
                real.sendall(asked)
                real.shutdown(socket.SHUT_WR)
                return whole(real)
            except ConnectionError:
                return b""


@contextmanager
def cutter(path: Path, real: Path) -> Iterator[Cutter]:
    running = Cutter(path, real)
    try:
        yield running
    finally:
        running.close()
