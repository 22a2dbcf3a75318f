"""Several acts at once, each on a database connection of its own."""

import threading
from collections.abc import Callable

from django.db import connections


def in_threads(*acts: Callable[[], object]) -> None:
    """All at once, each with a connection of its own; the first failure is raised."""
    failures: list[BaseException] = []
    gate = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        try:
            gate.wait(10)
            act()
        except BaseException as error:  # noqa: BLE001 - it is raised again below, in the test's own thread
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    if failures:
        raise failures[0]
