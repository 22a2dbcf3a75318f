"""Requests without a pause over kept-alive connections, counting every one that fails."""

import http.client
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Load:
    """`failed` holds what went wrong. A connection that the server closed between requests is opened again."""

    def __init__(self, port: int, host: str, *, tls: ssl.SSLContext | None) -> None:
        self._port = port
        self._tls = tls
        self._host = host
        self._ended = threading.Event()
        self.answers: Counter[str] = Counter()
        self.failed: list[str] = []

    def work(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        if self._tls:
            connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=5, context=self._tls)
        try:
            while not self._ended.is_set():
                self._one(connection)
        finally:
            connection.close()

    def _one(self, connection: http.client.HTTPConnection) -> None:
        reused = connection.sock is not None
        try:
            connection.request("GET", "/", headers={"Host": self._host})
            answer = connection.getresponse()
            body = answer.read().decode()
        except (http.client.HTTPException, OSError) as error:
            connection.close()
            # Nothing was sent back on a connection that lay idle: every client asks again, and so must we.
            if not (
                reused and isinstance(error, http.client.RemoteDisconnected | ConnectionResetError | BrokenPipeError)
            ):
                self.failed.append(repr(error))
            return
        if answer.status != 200:
            self.failed.append(f"{answer.status} {body}")
        self.answers[body] += 1

    def stop(self) -> None:
        self._ended.set()


@contextmanager
def load(port: int, host: str, *, clients: int = 4, tls: ssl.SSLContext | None = None) -> Iterator[Load]:
    running = Load(port, host, tls=tls)
    threads = [threading.Thread(target=running.work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    try:
        yield running
        time.sleep(0.1)
    finally:
        running.stop()
        for thread in threads:
            thread.join(10)
