"""HAProxy's answers, read: text in, values out. Tolerant of columns that other versions add or leave out."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from .desired import AdminState
from .running import Oper, Running, RunningServer

_MAINT_FLAGS = 0x01 | 0x02 | 0x20 | 0x40  # forced, inherited, resolution, host name; 0x04 only says what the file said
_DRAIN_FLAGS = 0x08 | 0x10
_OPER = {"0": Oper.DOWN, "1": Oper.STARTING, "2": Oper.UP, "3": Oper.STOPPING}


# Of one tenant, when somebody asks a node what it has (`edge.inspection`); more is cut off.
SERVERS_TOLD_MOST, ENTRIES_TOLD_MOST = 2000, 3000


class UnexpectedText(ValueError):
    """An answer of another form than every version we know gives."""


def parse_servers(text: str) -> dict[tuple[str, str], RunningServer]:
    """`show servers state`: (proxy, server) -> what it is. Columns are found by their header.

    A node may have 40,000: columns are read by position, without a dict for each row.
    """
    lines = iter(text.splitlines())
    at = _columns(lines)
    proxy, name, address, port = at["be_name"], at["srv_name"], at["srv_addr"], at["srv_port"]
    weight, flags, oper = at["srv_uweight"], at["srv_admin_state"], at["srv_op_state"]
    check_port = at.get("srv_check_port")
    return {
        (row[proxy], row[name]): RunningServer(
            row[address],
            int(row[port]),
            int(row[weight]),
            admin_of(int(row[flags])),
            _OPER.get(row[oper], Oper.UNKNOWN),
            int(row[check_port]) if check_port is not None else 0,
        )
        for line in lines
        if len(row := line.split(" ")) >= len(at)
    }


def _columns(lines: Iterator[str]) -> Mapping[str, int]:
    for line in lines:
        if line.startswith("#"):
            return _positions(line[1:])
    raise UnexpectedText("`show servers state` without a header")


@lru_cache(maxsize=16)
def _positions(header: str) -> Mapping[str, int]:
    return {name: position for position, name in enumerate(header.split())}


def admin_of(flags: int) -> AdminState:
    if flags & _MAINT_FLAGS:
        return AdminState.MAINT
    return AdminState.DRAIN if flags & _DRAIN_FLAGS else AdminState.READY


def parse_stat(text: str) -> list[dict[str, str]]:
    """`show stat` as CSV: one dict per row, by header."""
    header, _, body = text.lstrip("# ").partition("\n")
    names = header.strip().rstrip(",").split(",")
    return [dict(zip(names, row, strict=False)) for row in csv.reader(body.splitlines()) if len(row) >= 2]


def with_limits(running: Running, stat: list[dict[str, str]]) -> Running:
    """Add the servers' connection limits, which only `show stat` knows (`slim`)."""
    limits = {(row["pxname"], row["svname"]): int(row.get("slim") or 0) for row in stat}
    servers = {
        at: replace(server, max_connections=limits[at]) if at in limits else server
        for at, server in running.servers.items()
    }
    return replace(running, servers=servers)


def parse_pools(text: str) -> frozenset[str]:
    """`show backend`: the names of the proxies, with or without servers."""
    return frozenset(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def parse_map(text: str) -> dict[str, str]:
    """`show map <file>`: `0x55d8 key value` lines. Of duplicates the first counts, as in HAProxy."""
    entries: dict[str, str] = {}
    for line in text.splitlines():
        words = line.split(" ", 2)
        if len(words) == 3:
            entries.setdefault(words[1], words[2])
    return entries


def parse_info(text: str) -> dict[str, str]:
    """`show info`: `Name: value` lines."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, found, value in pairs if found}


def parse_table(text: str) -> dict[str, dict[str, int]]:
    """`show table <name>`: each key and its counters. A name that HAProxy does not know has none."""
    found: dict[str, dict[str, int]] = {}
    for line in text.splitlines():
        words = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if line.startswith("0x") and "key" in words:
            found[words.pop("key")] = {name: int(value) for name, value in words.items() if value.isdecimal()}
    return found


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    reloads: int
    uptime: str
    version: str


@dataclass(frozen=True, slots=True)
class Processes:
    """`show proc` of the master. `failed` counts reloads in a row that failed; 0 after a success."""

    reloads: int
    failed: int
    workers: tuple[Process, ...]
    old_workers: tuple[Process, ...]


def parse_proc(text: str) -> Processes:
    """Read 2.6's and 3.1's forms. Raises `UnexpectedText` where there is no master."""
    section = ""
    found: dict[str, list[Process]] = {"workers": [], "old workers": []}
    reloads = failed = -1
    for line in text.splitlines():
        words = line.split()
        if line.startswith("# "):
            section = line[2:].strip()
        elif len(words) >= 4 and words[1] == "master":
            reloads = int(words[2])
            failed = int(words[4].rstrip("]")) if len(words) > 4 and words[3] == "[failed:" else 0
        elif len(words) >= 4 and words[1] == "worker" and section in found:
            found[section].append(Process(int(words[0]), int(words[2]), words[3], words[-1]))
    if reloads < 0:
        raise UnexpectedText("`show proc` without a master")
    return Processes(reloads, failed, tuple(found["workers"]), tuple(found["old workers"]))
