"""The process manager of these tests: starts again what has ended by itself, as supervisord does, and remembers it."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tests.live.stack import Program

EVERY = 1.0  # seconds; supervisord waits as long before it tries again


class Keeper:
    """`revived` names what had ended and was started again, in that order, with every attempt."""

    def __init__(self, programs: Iterable[Program]) -> None:
        self.revived: list[str] = []
        self._programs = list(programs)
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(EVERY):
            for program in self._programs:
                if program.process is not None and program.process.poll() is not None:
                    self.revived.append(program.name)
                    program.start()

    def end(self) -> None:
        self._over.set()


@contextmanager
def keeping(programs: Iterable[Program]) -> Iterator[Keeper]:
    keeper = Keeper(programs)
    thread = threading.Thread(target=keeper.run, daemon=True)
    thread.start()
    try:
        yield keeper
    finally:
        keeper.end()
        thread.join(10)
