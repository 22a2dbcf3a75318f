"""Clients that count: what was answered, by whom, and every single failure, with no retry to hide one."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Tally:
    """`by` counts bodies (an origin answers its own name); `failures` are words, not numbers."""

    by: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.statuses.values())


def ask(port: int, host: str, path: str = "/", *, times: int = 1, keep_alive: bool = True) -> Tally:
    """Ask so many times, one after the other."""
    tally = Tally()
    client = Client(port, host, path, keep_alive, tally)
    for _ in range(times):
        client.ask()
    client.close()
    return tally


def serves(port: int, host: str, path: str = "/") -> Callable[[], bool]:
    """For `until`: does it answer 200 now?"""
    return lambda: ask(port, host, path).statuses[200] == 1


class Client:
    def __init__(self, port: int, host: str, path: str, keep_alive: bool, tally: Tally) -> None:
        self.port, self.host, self.path, self.keep_alive, self.tally = port, host, path, keep_alive, tally
        self.connection: http.client.HTTPConnection | None = None

    def ask(self) -> None:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Host": self.host} | ({} if self.keep_alive else {"Connection": "close"})
        try:
            self.connection.request("GET", self.path, headers=headers)
            answer = self.connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.tally.failures.append(repr(error))
            self.close()
            return
        self.tally.statuses[answer.status] += 1
        self.tally.by[body.decode(errors="replace").strip()[:80]] += 1
        if answer.status != 200:
            self.tally.failures.append(f"{answer.status} {body[:80]!r}")
        if answer.will_close:
            self.close()

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None


@contextmanager
def load(port: int, host: str, *, clients: int = 4, keep_alive: bool = True, pause: float = 0.002) -> Iterator[Tally]:
    """So many clients that ask without end while the block runs."""
    tally, over = Tally(), threading.Event()

    def work() -> None:
        client = Client(port, host, "/", keep_alive, tally)
        while not over.is_set():
            client.ask()
            time.sleep(pause)
        client.close()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield tally
    finally:
        over.set()
        for thread in threads:
            thread.join(15)
