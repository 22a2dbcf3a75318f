"""From readings to what the console is told: rates, and only what changed."""

from collections import Counter as CountOf
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from balancer.edge.samples import PoolSample, Sample, ServerSample, WaySample
from balancer.haproxy.running import Oper

HEARTBEAT_S = 5.0
FULL_S = 30.0
USABLE = frozenset({Oper.UP, Oper.NOCHECK, Oper.STARTING})
OF_POOLS = ("requests", "5xx", "in", "out")
OF_LISTENERS = ("connections", "bytes_in", "bytes_out")
IDLE = WaySample()
Body = dict[str, Any]


class Counter:
    """A count that survives HAProxy's: a new worker starts at zero, and what it counts is added."""

    def __init__(self, last: int | None = None) -> None:
        self.total = 0
        self._last = last

    def take(self, value: int, *, same_process: bool) -> int:
        """Returns by how much it grew; the first reading of all is no growth."""
        grown = 0
        if self._last is not None:
            grown = value - self._last if same_process and value >= self._last else value
        self._last = value
        self.total += grown
        return grown


class Observer:
    """Remembers what was told last. `now` in epoch seconds."""

    def __init__(self, node_id: str) -> None:
        self._node = node_id
        self._pid = 0
        self._at = 0.0
        self._told_at = 0.0
        self._full_at = 0.0
        self._counters: dict[str, Counter] = {}
        self._servers: dict[str, Body] = {}
        self._pools: dict[str, Body] = {}
        self._listeners: dict[str, Body] = {}
        self._drift: tuple[str, ...] = ()

    def forget(self) -> None:
        """What was told last did not arrive: tell everything next time."""
        self._full_at = 0.0

    def tell_next(self) -> None:
        """Somebody waits for a word, though there be nothing new."""
        self._told_at = 0.0

    def silent(self, *, now: float, generation: int) -> Body | None:
        """HAProxy does not answer: pid 0 says so, and nothing about servers is claimed."""
        if now - self._told_at < HEARTBEAT_S:
            return None
        self._told_at = now
        self.forget()
        return self._body(now, generation, full=False)

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
        requests = self._grow("", sample.requests, same)
        up, total = _count(sample)
        pools = {
            key: self._pool(key, pool, same, seconds) | {"up": up[key], "total": total[key]}
            for key, pool in sample.pools.items()
        }
        servers = {key: self._server(key, one, same, seconds, now) for key, one in sample.servers.items()}
        listeners = {name: self._way(name, sample.ways.get(way, IDLE), same, seconds) for way, name in ways.items()}
        full = now - self._full_at >= FULL_S
        body = self._body(now, generation, full=full)
        body["listeners"] = listeners if full else _changed(self._listeners, listeners)
        body["servers"] = servers if full else _changed(self._servers, servers)
        body["pools"] = pools if full else _changed(self._pools, pools)
        body["drift"] = list(drift)
        body |= {"version": sample.version, "pid": sample.pid, "uptime": sample.uptime, "sessions": sample.sessions}
        body |= {"rate": _rate(requests, seconds), "requests": self._counters[""].total}
        new = body["servers"] or body["pools"] or body["listeners"] or drift != self._drift or not same
        self._pid, self._at, self._servers, self._pools, self._drift = sample.pid, now, servers, pools, drift
        self._listeners = listeners
        if not (full or new or now - self._told_at >= HEARTBEAT_S):
            return None
        self._told_at = now
        if full:
            self._full_at = now
            self._forget_counts_of_what_is_gone()
        return body

    def _forget_counts_of_what_is_gone(self) -> None:
        here = {"", *self._servers, *(f"{key} {what}" for key in self._pools for what in OF_POOLS)}
        here |= {f"{key} {what}" for key in self._listeners for what in OF_LISTENERS}
        self._counters = {key: counter for key, counter in self._counters.items() if key in here}

    def _body(self, now: float, generation: int, *, full: bool) -> Body:
        empty: Body = {"node": self._node, "at": now, "full": full, "generation": generation, "version": "", "pid": 0}
        return empty | {
            "uptime": 0,
            "sessions": 0,
            "rate": 0,
            "requests": 0,
            "servers": {},
            "pools": {},
            "listeners": {},
            "drift": [],
        }

    def _server(self, key: str, sample: ServerSample, same: bool, seconds: float, now: float) -> Body:
        body = asdict(sample)
        del body["total"]
        changed = round(now - body.pop("changed_s"))
        before = self._servers.get(key)
        # HAProxy counts whole seconds: the same moment is read as one or the other.
        if (
            before
            and before["oper"] == sample.oper
            and before["admin"] == sample.admin
            and abs(before["since"] - changed) <= 2
        ):
            changed = before["since"]
        return body | {"rate": _rate(self._grow(key, sample.total, same), seconds), "since": changed}

    def _pool(self, key: str, pool: PoolSample, same: bool, seconds: float) -> Body:
        requests = self._grow(f"{key} requests", pool.requests, same)
        self._grow(f"{key} 5xx", pool.errors_5xx, same)
        self._grow(f"{key} in", pool.bytes_in, same)
        self._grow(f"{key} out", pool.bytes_out, same)
        return {
            "sessions": pool.sessions,
            "queue": pool.queue,
            "rate": _rate(requests, seconds),
            "requests": self._counters[f"{key} requests"].total,
            "errors_5xx": self._counters[f"{key} 5xx"].total,
            "bytes_in": self._counters[f"{key} in"].total,
            "bytes_out": self._counters[f"{key} out"].total,
        }

    def _way(self, key: str, way: WaySample, same: bool, seconds: float) -> Body:
        counted = {"connections": way.total, "bytes_in": way.bytes_in, "bytes_out": way.bytes_out}
        if self._at:  # one that came since the last reading was counted from nothing, and heard of late
            for name in counted:
                self._counters.setdefault(f"{key} {name}", Counter(0))
        grown = {name: self._grow(f"{key} {name}", value, same) for name, value in counted.items()}
        return {
            "sessions": way.sessions,
            "rate": _rate(grown["connections"], seconds),
            "in_rate": _rate(grown["bytes_in"], seconds),
            "out_rate": _rate(grown["bytes_out"], seconds),
            **{name: self._counters[f"{key} {name}"].total for name in counted},
        }

    def _grow(self, key: str, value: int, same: bool) -> int:
        return self._counters.setdefault(key, Counter()).take(value, same_process=same)


def _count(sample: Sample) -> tuple[CountOf[str], CountOf[str]]:
    """Pool -> how many of its servers can take requests, and how many it has."""
    total = CountOf(key.rpartition("/")[0] for key in sample.servers)
    up = CountOf(key.rpartition("/")[0] for key, one in sample.servers.items() if one.oper in USABLE)
    return up, total


def _rate(grown: int, seconds: float) -> int:
    return round(grown / seconds) if seconds > 0 else 0


def _changed(before: Mapping[str, Body], after: Mapping[str, Body]) -> dict[str, Body | None]:
    """What is gone is None. A check's duration differs each time: it is told along with something else, and is no news
    by itself."""
    gone: dict[str, Body | None] = dict.fromkeys(before.keys() - after.keys())
    return gone | {key: body for key, body in after.items() if _news(before.get(key)) != _news(body)}


def _news(body: Body | None) -> Body | None:
    return body and {name: value for name, value in body.items() if name != "check_ms"}
