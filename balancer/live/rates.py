"""How fast a tenant's counters grow: per pool, over the last ten seconds, by the clocks of the nodes that counted."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from balancer.queries.observed import NodeStatus, PoolRow

WINDOW_S = 10.0
APART_S = 1.0  # two readings that are kept
COUNTED = ("requests", "errors_5xx", "bytes_in", "bytes_out")


@dataclass(frozen=True, slots=True)
class Rate:
    """Per second, by the names of `COUNTED`, measured over so many seconds."""

    per_second: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Reading:
    """`at` is epoch seconds of the node's clock."""

    at: float
    counted: tuple[int, ...]

    def since(self, older: "Reading") -> tuple[int, ...]:
        """A count that went back began anew: what it has counted since then is what it grew by."""
        pairs = zip(self.counted, older.counted, strict=True)
        return tuple(count - before if count >= before else count for count, before in pairs)


class Rates:
    """Remembers the readings of a window. One of each pool and node, as the nodes said them."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], deque[Reading]] = {}

    def take(self, rows: Mapping[str, Mapping[str, PoolRow]], nodes: Collection[NodeStatus]) -> dict[str, Rate | None]:
        """Of every pool. `rows`: pool → node → its row. None: nothing was measured yet, or nobody is heard."""
        heard = {node.name: node.at for node in nodes if node.counts}
        here = {(pool, node) for pool, told in rows.items() for node in told if node in heard}
        self._seen = {key: kept for key, kept in self._seen.items() if key in here}
        for pool, node in here:
            row = rows[pool][node]
            # A row is written when it changes: until its node says otherwise, its counters stand.
            at = max(row.at, heard[node])
            _keep(self._seen.setdefault((pool, node), deque()), Reading(at, _counted(row)))
        return {
            pool: _of(self._seen[pool, node] for node in told if (pool, node) in here) for pool, told in rows.items()
        }


def summed(rates: Iterable[Rate | None]) -> Rate | None:
    """Of a tenant; None where none of its pools is measured."""
    known = [rate for rate in rates if rate is not None]
    if not known:
        return None
    total = {name: sum(rate.per_second[name] for rate in known) for name in COUNTED}
    return Rate(total, min(rate.seconds for rate in known))


def _counted(row: PoolRow) -> tuple[int, ...]:
    return tuple(getattr(row, name) for name in COUNTED)


def _keep(kept: deque[Reading], new: Reading) -> None:
    """The newest always; of those before it one in `APART_S`, and one that is as old as the window."""
    if kept and new.at <= kept[-1].at:
        return
    if len(kept) > 1 and kept[-1].at - kept[-2].at < APART_S:
        kept.pop()
    kept.append(new)
    while len(kept) > 2 and new.at - kept[1].at >= WINDOW_S:
        kept.popleft()


def _of(readings: Iterable[deque[Reading]]) -> Rate | None:
    """The nodes' rates together, each over its own window."""
    spans = [(kept[-1].since(kept[0]), kept[-1].at - kept[0].at) for kept in readings if len(kept) > 1]
    if not spans:
        return None
    each = zip(*([grown / seconds for grown in counts] for counts, seconds in spans), strict=True)
    return Rate(dict(zip(COUNTED, map(sum, each), strict=True)), min(seconds for _, seconds in spans))
