"""From readings to what the console is told: only what changed, and what is due."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from balancer.edge.counting import Counting, Row, rate
from balancer.edge.samples import Sample, WaySample
from balancer.edge.telling import Telling

HEARTBEAT_S = 5.0
TIDY_S = 30.0
SHARE_ROWS, MOST_ROWS = 1000, 5000  # with each frame, of what changed or is due
ALL_WITHIN_S = 15.0  # what is due, if that is everything
IDLE = WaySample()
Body = dict[str, Any]
Told = dict[str, dict[str, Row | None]]  # part → key → row; None where it is gone


class Observer:
    """Remembers what was told last. `now` in epoch seconds. Only what moved costs anything."""

    def __init__(self, node_id: str, telling: Telling) -> None:
        self._node = node_id
        self._telling = telling
        self._pid = 0
        self._at = 0.0
        self._told_at = 0.0
        self._tidied_at = 0.0
        self._all_looked_at = 0.0
        self._looked_at: dict[str, float] = {}  # pool → when its servers were read, since all were
        self._counting = Counting()
        self._rows: dict[str, dict[str, Row]] = {"servers": {}, "pools": {}, "listeners": {}}
        self._busy: dict[str, set[str]] = {"servers": set(), "pools": set()}  # they have a rate
        self._turned: set[str] = set()  # servers that are in another state than a moment ago
        self._drift: tuple[str, ...] = ()

    def tell_next(self) -> None:
        """Somebody waits for a word, though there be nothing new."""
        self._told_at = 0.0

    def silent(self, *, now: float, generation: int) -> Body | None:
        """HAProxy does not answer: pid 0 says so, and nothing about servers is claimed."""
        if now - self._told_at < HEARTBEAT_S:
            return None
        self._told_at = now
        return self._body(now, generation) | self._telling.frame((), (), None)

    def observe(
        self,
        sample: Sample,
        *,
        now: float,
        generation: int,
        drift: tuple[str, ...] = (),
        ways: Mapping[str, str] = MappingProxyType({}),
    ) -> Body | None:
        """The body to send, or None where nothing is new and the last one is young. `ways`: what HAProxy counts a
        listener under → its name."""
        seconds = now - self._at if self._at else 0.0
        same = sample.pid == self._pid
        requests = self._counting.grow("", sample.requests, same=same)
        told: Told = {
            "servers": self._take_servers(sample, same, now),
            "pools": self._take_pools(sample, same, seconds),
            "listeners": self._take_listeners(sample, ways, same, seconds),
        }
        whole, there = self._choose(told, now=now, seconds=seconds)
        new = whole or any(told.values()) or drift != self._drift or not same
        self._pid, self._at, self._drift = sample.pid, now, drift
        if now - self._tidied_at >= TIDY_S:
            self._tidied_at = now
            self._counting.keep(self._rows["servers"], self._rows["pools"], self._rows["listeners"])
        if not (new or now - self._told_at >= HEARTBEAT_S):
            return None
        self._told_at = now
        about = {"version": sample.version, "pid": sample.pid, "uptime": sample.uptime, "sessions": sample.sessions}
        about |= {"rate": rate(requests, seconds), "requests": self._counting.total(""), "drift": list(drift)}
        tenants = {tenant_of(key) for rows in told.values() for key in rows}
        return self._body(now, generation) | told | about | self._telling.frame(tenants, whole, there)

    def _body(self, now: float, generation: int) -> Body:
        empty: Body = {"node": self._node, "at": now, "generation": generation, "version": "", "pid": 0, "uptime": 0}
        return empty | {"sessions": 0, "rate": 0, "requests": 0, "drift": [], **{part: {} for part in self._rows}}

    def _choose(self, told: Told, *, now: float, seconds: float) -> tuple[Collection[str], Collection[str] | None]:
        """Bring what is due into a frame, and about as much of what changed as it may carry: the rest is due then. A
        server's turn for the worse or the better does not wait. Answers the tenants that are told whole, and every one
        that there is where that may be asked for."""
        most = min(MOST_ROWS, max(SHARE_ROWS, sum(map(len, self._rows.values())) * seconds / ALL_WITHIN_S))
        if sum(map(len, told.values())) > most:
            for rows in told.values():
                later = [key for key in rows if key not in self._turned]
                self._telling.owe(tenant_of(key) for key in later)
                for key in later:
                    del rows[key]
        if not self._telling.behind(now):
            return (), None
        there: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for part, all_rows in self._rows.items():
            for key in all_rows:
                there[tenant_of(key)].append((part, key))
        room = most - sum(map(len, told.values()))
        whole = self._telling.share({tenant: len(keys) for tenant, keys in there.items()}, now=now, most=room)
        for tenant in whole:
            for part, key in there.get(tenant, ()):
                told[part][key] = self._rows[part][key]
        return whole, there.keys()

    def _take_servers(self, sample: Sample, same: bool, now: float) -> dict[str, Row | None]:
        """Each pool's servers have been read at a time of their own (`edge.reading`)."""
        rows, looked = self._rows["servers"], sample.looked
        new: dict[str, Row] = {}
        self._turned = set()
        for key in sample.moved:
            if key not in sample.servers:
                continue
            was, one = rows.get(key), sample.servers[key]
            last = max(self._all_looked_at, self._looked_at.get(key.rpartition("/")[0], 0.0))
            seconds = now - last if last else 0.0
            new[key] = self._counting.server(key, one, was, same=same, seconds=seconds, now=now)
            if was and (was["oper"], was["admin"]) != (one.oper, one.admin):
                self._turned.add(key)
        if looked is None:
            self._all_looked_at = now
            self._looked_at.clear()
        else:
            self._looked_at |= dict.fromkeys(looked, now)
        for key in self._busy["servers"] - new.keys():
            pool = key.rpartition("/")[0]
            if looked is None or pool in looked or pool not in sample.moved:
                new |= _idle(rows, key)
        return self._news("servers", new, sample.servers)

    def _take_pools(self, sample: Sample, same: bool, seconds: float) -> dict[str, Row | None]:
        new = {
            key: self._counting.pool(key, sample.pools[key], same=same, seconds=seconds)
            for key in sample.moved
            if key in sample.pools
        }
        for key in self._busy["pools"] - new.keys():
            new |= _idle(self._rows["pools"], key)
        return self._news("pools", new, sample.pools)

    def _take_listeners(
        self, sample: Sample, ways: Mapping[str, str], same: bool, seconds: float
    ) -> dict[str, Row | None]:
        new = {
            name: self._counting.listener(name, sample.ways.get(way, IDLE), same=same, seconds=seconds)
            for way, name in ways.items()
        }
        return self._news("listeners", new, new)

    def _news(self, part: str, new: Mapping[str, Row], there: Mapping[str, object]) -> dict[str, Row | None]:
        """Remember these rows, and answer those that say something else than before; None for what is gone. A check's
        duration differs each time: it is told along with something else, and is no news by itself."""
        rows = self._rows[part]
        told: dict[str, Row | None] = {key: row for key, row in new.items() if not _same(rows.get(key), row)}
        rows |= new
        for key in rows.keys() - there.keys() if len(rows) != len(there) else ():
            del rows[key]
            told[key] = None
        if part in self._busy:
            self._busy[part] = {key for key in self._busy[part] | new.keys() if key in rows and rows[key]["rate"]}
        return told


def tenant_of(key: str) -> str:
    return key.partition("/")[0]


def _idle(rows: Mapping[str, Row], key: str) -> dict[str, Row]:
    return {key: {**rows[key], "rate": 0}} if key in rows else {}


def _same(before: Row | None, row: Row) -> bool:
    return before is not None and {**before, "check_ms": None} == {**row, "check_ms": None}
