"""How the names of backends stand, for metrics: over a connection of its own, so that a database which is slow or away
costs a scrape a bounded time, and nothing else waits for it."""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from balancer.queries.health import database_link

PATIENCE_S = 2
COUNT = """
SELECT count(*), count(*) FILTER (WHERE next_at <= %(now)s), count(failing_since),
       coalesce(extract(epoch FROM %(now)s - min(next_at)), 0)
FROM public.fleet_name
"""


@dataclass(frozen=True, slots=True)
class NameCounts:
    """`late`: seconds since the first one was due; nothing is overdue where it is below 0."""

    known: int
    due: int
    failing: int
    late: float


def names(*, now: datetime) -> NameCounts:
    """Of the whole service. Raises psycopg.Error."""
    with psycopg.connect(
        **database_link(), connect_timeout=PATIENCE_S, autocommit=True, application_name="veloflux-metrics",
        options=f"-c statement_timeout={PATIENCE_S}s",
    ) as asked:  # fmt: skip
        ((known, due, failing, late),) = asked.execute(COUNT, {"now": now}).fetchall()
    return NameCounts(known, due, failing, float(late))
