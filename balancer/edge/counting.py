"""HAProxy's counters as rows for the console: sums that go on over reloads, and rates."""

from collections.abc import Mapping
from typing import Any

from balancer.edge.samples import PoolSample, ServerSample, WaySample

OF_POOLS = ("requests", "5xx", "in", "out")
OF_LISTENERS = ("connections", "bytes_in", "bytes_out")
SAME_MOMENT_S = 2  # HAProxy counts whole seconds: the same moment is read as one or the other
Row = dict[str, Any]
Rows = Mapping[str, Row]


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


class Counting:
    """`same`: is it the process that was read before? `seconds` since that; 0 for the first time."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {}

    def grow(self, key: str, value: int, *, same: bool) -> int:
        return self._counters.setdefault(key, Counter()).take(value, same_process=same)

    def total(self, key: str) -> int:
        return self._counters[key].total

    def keep(self, servers: Rows, pools: Rows, listeners: Rows) -> None:
        """Forget what is not there any more."""
        here = {"", *servers, *(f"{key} {what}" for key in pools for what in OF_POOLS)}
        here |= {f"{key} {what}" for key in listeners for what in OF_LISTENERS}
        self._counters = {key: counter for key, counter in self._counters.items() if key in here}

    def server(self, key: str, one: ServerSample, before: Row | None, *, same: bool, seconds: float, now: float) -> Row:
        """A state that outlives a reload is as old as it was, and was answered as it was: HAProxy counts its age anew,
        and forgets the code."""
        since = round(now - one.changed_s)
        stayed = before and before["oper"] == one.oper and before["admin"] == one.admin
        if before and stayed and (not same or abs(before["since"] - since) <= SAME_MOMENT_S):
            since = before["since"]
        code = before["code"] if before and one.code is None and before["check"] == one.check else one.code
        return {
            "oper": one.oper,
            "admin": one.admin,
            "weight": one.weight,
            "sessions": one.sessions,
            "queue": one.queue,
            "check": one.check,
            "code": code,
            "check_ms": one.check_ms,
            "detail": one.detail,
            "rate": rate(self.grow(key, one.total, same=same), seconds),
            "since": since,
        }

    def pool(self, key: str, pool: PoolSample, *, same: bool, seconds: float) -> Row:
        requests = self.grow(f"{key} requests", pool.requests, same=same)
        self.grow(f"{key} 5xx", pool.errors_5xx, same=same)
        self.grow(f"{key} in", pool.bytes_in, same=same)
        self.grow(f"{key} out", pool.bytes_out, same=same)
        return {
            "sessions": pool.sessions,
            "queue": pool.queue,
            "rate": rate(requests, seconds),
            "requests": self.total(f"{key} requests"),
            "errors_5xx": self.total(f"{key} 5xx"),
            "bytes_in": self.total(f"{key} in"),
            "bytes_out": self.total(f"{key} out"),
        }

    def listener(self, key: str, way: WaySample, *, same: bool, seconds: float) -> Row:
        counted = {"connections": way.total, "bytes_in": way.bytes_in, "bytes_out": way.bytes_out}
        if seconds:  # one that came since the last reading was counted from nothing, and heard of late
            for name in counted:
                self._counters.setdefault(f"{key} {name}", Counter(0))
        grown = {name: self.grow(f"{key} {name}", value, same=same) for name, value in counted.items()}
        return {
            "sessions": way.sessions,
            "rate": rate(grown["connections"], seconds),
            "in_rate": rate(grown["bytes_in"], seconds),
            "out_rate": rate(grown["bytes_out"], seconds),
            **{name: self.total(f"{key} {name}") for name in counted},
        }


def rate(grown: int, seconds: float) -> int:
    return round(grown / seconds) if seconds > 0 else 0
