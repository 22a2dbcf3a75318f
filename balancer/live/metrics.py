"""A tenant's traffic as `/ws/metrics` shows it: rates per second of each pool and of them all, and what is counted."""

from collections.abc import Collection, Mapping
from typing import Any

from balancer.live.rates import COUNTED, Rate, summed
from balancer.live.view import Items
from balancer.queries.observed import PoolStatus
from balancer.queries.status import TenantSnapshot

PER_SECOND = {
    "requests": "requests_per_second",
    "errors_5xx": "errors_per_second",
    "bytes_in": "bytes_in_per_second",
    "bytes_out": "bytes_out_per_second",
}
NOW = ("sessions", "queue", *COUNTED)


def items(snapshot: TenantSnapshot, rates: Mapping[str, Rate | None]) -> Items:
    """Ids as the API's. A pool that nobody counts at the moment has no rate."""
    found = {("pools", key[1:]): _frame([status], rates.get(key)) for key, status in snapshot.pools.items()}
    total = _frame(snapshot.pools.values(), summed(rates.values()))
    return {**found, ("tenant", "total"): total}


def _frame(statuses: Collection[PoolStatus], rate: Rate | None) -> dict[str, Any]:
    """Rates over the seconds that `over` says; null until there are two readings. Counters are since the nodes'
    workers look, and only their growth means something."""
    return {
        **{PER_SECOND[name]: rate and round(rate.per_second[name], 2) for name in COUNTED},
        "over": rate and f"{round(rate.seconds)}s",
        **{name: sum(getattr(status, name) for status in statuses) for name in NOW},
    }
