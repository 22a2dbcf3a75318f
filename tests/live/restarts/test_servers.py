"""PostgreSQL and Redis crash while people change things: nothing that was promised is lost, and nobody notices."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from tests.live.load import Tally, load
from tests.live.restarts import truth
from tests.live.restarts.databases import FAST, IMMEDIATE, Databases
from tests.live.restarts.keeper import keeping
from tests.live.restarts.writers import Written, writing
from tests.live.road.conftest import Site
from tests.live.stack import Stack, until

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
Make = Callable[..., Site]
PATIENCE = 90  # seconds to come back in, on a machine that does much else
ENOUGH = 15  # acknowledged changes before and after each crash: it falls into the middle


@contextmanager
def traffic(stack: Stack, site: Site) -> Iterator[list[Tally]]:
    """Requests through every node all the time."""
    first, second = stack.nodes
    with (
        load(first.http_port, site.host, clients=2, pause=0.01) as one,
        load(second.http_port, site.host, clients=2, pause=0.01) as two,
    ):
        yield [one, two]


def more(written: Written, what: str) -> None:
    enough = written.acknowledged + ENOUGH
    until(lambda: written.acknowledged >= enough, within=PATIENCE, what=f"{ENOUGH} changes {what}")


def started_at(database_url: str) -> str:
    with psycopg.connect(database_url) as db:
        row = db.execute("SELECT pg_postmaster_start_time()::text").fetchone()
    assert row
    return str(row[0])


def pids(stack: Stack) -> dict[str, int]:
    return {name: program.process.pid for name, program in stack.programs.items() if program.process}


def require_all(site: Site, database_url: str, written: Written) -> None:
    """Every promise is kept in the database and in both HAProxies, nothing is half done, nothing is left under way."""
    assert written.wrong == [], "neither done nor honestly refused"
    settled = until(lambda: _settled(site, database_url), within=PATIENCE, every=0.5, what="the end of the road")
    assert truth.lost(written, settled) == []
    assert truth.half_done(settled) == []
    healthy = site.stack.console + "/health"
    until(lambda: httpx.get(healthy).json() == {"status": "healthy"}, within=PATIENCE, what="health")


def _settled(site: Site, database_url: str) -> truth.Rows | None:
    try:
        found = truth.rows(database_url)
    except psycopg.OperationalError as error:  # it is still coming back
        raise ConnectionError(str(error)) from error
    reasons = truth.unsettled(site.stack, found, site=site.host)
    if reasons:
        raise OSError("; ".join(reasons))  # `until` tells the last one
    return found


def require_unharmed(tallies: list[Tally]) -> None:
    for tally in tallies:
        assert tally.failures == []
        assert tally.statuses[200] > 100


def test_postgresql_crashed_again_and_again_mid_change_loses_nothing(
    stack: Stack, make_site: Make, crashable: Databases
) -> None:
    """The supervisor starts PostgreSQL again, and nothing else: console and workers find the new one by themselves."""
    site, before = make_site(2), pids(stack)
    with keeping([crashable.postgres, *stack.programs.values()]) as keeper, traffic(stack, site) as tallies:
        with writing(site) as written:
            for how in (IMMEDIATE, signal.SIGKILL, FAST):
                more(written, "before the crash")
                was = started_at(crashable.database_url)
                until(lambda: len(written.underway) > 1, every=0.001, what="changes under way")
                crash(crashable, how)
                more(written, f"after {how.name}")
                assert started_at(crashable.database_url) != was
        require_all(site, crashable.database_url, written)
    require_unharmed(tallies)
    assert set(keeper.revived) == {"postgres"}
    assert pids(stack) == before


def crash(databases: Databases, how: signal.Signals) -> None:
    """End the postmaster; the keeper starts another one. After -9 that may have to wait until the last backend of the
    first one has noticed."""
    process = databases.postgres.process
    assert process
    process.send_signal(how)


def test_postgresql_and_redis_away_together_for_five_seconds_lose_nothing(
    stack: Stack, make_site: Make, crashable: Databases
) -> None:
    """A Celery worker may end itself when its broker goes (5.7.0): then the supervisor starts it again. The console
    and the nodes go on in the same processes."""
    site, before = make_site(2), pids(stack)
    servers = (crashable.postgres, crashable.redis)
    with keeping([*servers, *stack.programs.values()]) as keeper, traffic(stack, site) as tallies:
        with writing(site) as written:
            more(written, "before both are gone")
            for server in servers:
                server.kill()
            time.sleep(5)
        # Nobody writes now: what was under way comes to its end without the help of another change.
        for server in servers:
            server.start()
        require_all(site, crashable.database_url, written)
        with writing(site) as later:
            more(later, "with both back")
        require_all(site, crashable.database_url, later)
    require_unharmed(tallies)
    assert written.refused, "who asks while both are away is told so"
    ended = {name for name, pid in pids(stack).items() if pid != before[name]}
    assert ended == set(keeper.revived) - {"postgres", "redis"}
    assert ended <= {"control", "beat", *(f"edge-{node.name}" for node in stack.nodes)}, "only what Celery runs"
    print("started again by the supervisor:", sorted(ended) or "nothing")
