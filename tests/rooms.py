"""Which tests stay together: those of one file, and all of a folder whose tests share running servers.

With workers (pytest-xdist's), a room is what one of them takes at a time, so that no room's servers run twice.
"""

import itertools
import os
from collections.abc import Iterable

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped]

SHARED = frozenset(f"tests/live/{name}" for name in ("console", "people", "road", "status", "tenancy"))


def room(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    folder = file.rpartition("/")[0]
    return folder if folder in SHARED else file


def ordered(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Room by room, each where its first test was; all of it in pytest-randomly's order otherwise.

    Workers take what waits for servers first: the short ones at the end then fill whichever worker is free.
    """
    rooms: dict[str, list[pytest.Item]] = {}
    for item in items:
        rooms.setdefault(room(item.nodeid), []).append(item)
    names = sorted(rooms, key=_waits_less) if "PYTEST_XDIST_WORKER" in os.environ else rooms
    return list(itertools.chain.from_iterable(rooms[name] for name in names))


def _waits_less(name: str) -> bool:
    return not name.startswith("tests/live")


class ByRoom(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    def _split_scope(self, nodeid: str) -> str:
        return room(nodeid)
