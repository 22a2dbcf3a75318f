"""From a node's frame to what a list shows, through a real Redis."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from pytest_django import DjangoAssertNumQueries
from redis.client import Pipeline

from balancer.fleet.models import Node
from balancer.queries import health_events, store
from balancer.queries import status as queries
from balancer.queries.observed import UNKNOWN, Fresh, Oper
from balancer.services import status
from tenants.models import Tenant
from tenants.scope import platform_scope
from tests.db.status.frames import NOW, ONE, OTHER_POOL, POOL, TWO, frame, name, pool, server
from tests.live.status.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("db")
SECOND = timedelta(seconds=1)
Observe = Callable[..., frozenset[str]]


@pytest.fixture
def nodes() -> dict[str, Node]:
    with platform_scope():
        return {node.name: node for node in Node.objects.all()}


@pytest.fixture
def observe(kept: "redis.Redis", nodes: dict[str, Node]) -> Observe:
    def act(on: str = "n1", *args: Any, **values: Any) -> frozenset[str]:
        body = frame(*args, **values)
        return status.observe(nodes[on], body, now=values.get("at", NOW))

    return act


def keys_of(tenant: Tenant) -> list[str]:
    found: Any = store.client().hkeys(store.status_key(tenant.key))
    return list(found)


def test_a_server_that_both_nodes_see_up_is_up(observe: Observe, ours: Tenant) -> None:
    for node in ("n1", "n2"):
        observe(node, {name(ours): server()}, {f"{ours.key}/{POOL}": pool()})
    seen = queries.backends(ours.key, [(POOL, ONE)], now=NOW + 2 * SECOND)[POOL, ONE]
    assert (seen.oper, seen.fresh, seen.sessions, seen.age) == (Oper.UP, Fresh.LIVE, 2, 2.0)
    snapshot = queries.tenant_snapshot(ours.key, now=NOW + 2 * SECOND)
    assert snapshot.backends == {(POOL, ONE): seen}
    assert (snapshot.pools[POOL].up, snapshot.pools[POOL].total, snapshot.pools[POOL].requests) == (1, 1, 100)
    assert [node.name for node in snapshot.nodes] == ["n1", "n2"]


def test_each_key_asked_for_is_answered(observe: Observe, ours: Tenant) -> None:
    observe("n1", {name(ours): server()})
    assert queries.backends(ours.key, [(POOL, TWO), (OTHER_POOL, ONE)], now=NOW) == {
        (POOL, TWO): UNKNOWN,
        (OTHER_POOL, ONE): UNKNOWN,
    }
    assert queries.pools(ours.key, [OTHER_POOL], now=NOW)[OTHER_POOL].total == 0


def test_another_tenants_rows_are_not_read(observe: Observe, ours: Tenant, theirs: Tenant) -> None:
    observe("n1", {name(theirs): server()})
    assert queries.tenant_snapshot(ours.key, now=NOW).backends == {}
    assert queries.backends(ours.key, [(POOL, ONE)], now=NOW)[POOL, ONE] == UNKNOWN


def test_only_tenants_with_news_are_told(observe: Observe, ours: Tenant, theirs: Tenant) -> None:
    rows = {name(ours): server(), name(theirs): server()}
    assert observe("n1", rows) == {ours.pk, theirs.pk}
    assert observe("n1", rows, at=NOW + SECOND) == frozenset()
    assert observe("n1", {name(theirs): server("down")}, at=NOW + 2 * SECOND) == {theirs.pk}


def test_a_full_frame_drops_what_it_does_not_name(observe: Observe, ours: Tenant, theirs: Tenant) -> None:
    observe("n1", {name(ours): server(), name(ours, TWO): server(), name(theirs): server()}, full=True)
    observe("n2", {name(ours, TWO): server()})
    assert observe("n1", {name(ours): server()}, at=NOW + SECOND, full=True) == {ours.pk, theirs.pk}
    assert sorted(keys_of(ours)) == [f"{POOL}/{ONE}|n1", f"{POOL}/{TWO}|n2"]
    assert not store.client().exists(store.status_key(theirs.key))
    assert observe("n1", {name(ours): server()}, at=NOW + 2 * SECOND, full=True) == frozenset()


def test_a_partial_frame_drops_nothing_but_what_it_says_is_gone(observe: Observe, ours: Tenant) -> None:
    observe("n1", {name(ours): server(), name(ours, TWO): server()})
    assert observe("n1", {name(ours): server("down")}, at=NOW + SECOND) == {ours.pk}
    assert len(queries.tenant_snapshot(ours.key, now=NOW).backends) == 2
    observe("n1", {name(ours, TWO): None}, at=NOW + 2 * SECOND)
    assert list(queries.tenant_snapshot(ours.key, now=NOW).backends) == [(POOL, ONE)]


def test_an_older_frame_never_overwrites_a_newer_one(observe: Observe, ours: Tenant) -> None:
    observe("n1", {name(ours): server("up")}, at=NOW)
    observe("n1", {name(ours): server("up")}, at=NOW + 2 * SECOND)
    assert observe("n1", {name(ours): server("down")}, at=NOW + SECOND) == frozenset()
    assert observe("n1", {}, at=NOW + SECOND, full=True) == frozenset()
    assert queries.backends(ours.key, [(POOL, ONE)], now=NOW)[POOL, ONE].nodes[0].oper is Oper.UP
    assert queries.nodes(now=NOW + 3 * SECOND)[0].age == 1.0


def test_a_node_whose_haproxy_is_silent_claims_nothing(observe: Observe, ours: Tenant) -> None:
    observe("n1", {name(ours): server("up")})
    observe("n1", at=NOW + SECOND, version="", pid=0)
    seen = queries.backends(ours.key, [(POOL, ONE)], now=NOW + SECOND)[POOL, ONE]
    assert (seen.oper, seen.fresh) == (Oper.UNKNOWN, Fresh.OFFLINE)
    observe("n1", {name(ours): server("up")}, at=NOW + 2 * SECOND, full=True)
    assert queries.backends(ours.key, [(POOL, ONE)], now=NOW + 2 * SECOND)[POOL, ONE].oper is Oper.UP


def test_names_of_another_shape_are_left_out(observe: Observe, kept: "redis.Redis", ours: Tenant) -> None:
    odd = dict.fromkeys(("x/y/z", f"{ours.key}|n2/{POOL}/{ONE}", f"{ours.key}/{POOL}/{ONE}|n2"), server())
    assert observe("n1", {**odd, name(ours): server()}) == {ours.pk}
    assert kept.hkeys(store.status_key(ours.key)) == [f"{POOL}/{ONE}|n1"]


def test_what_is_kept_ends_by_itself(observe: Observe, kept: "redis.Redis", ours: Tenant) -> None:
    observe("n1", {name(ours): server()})
    assert 0 < int(str(kept.ttl(store.status_key(ours.key)))) <= status.ROWS_TTL
    assert 0 < int(str(kept.ttl(store.NODES))) <= status.NODES_TTL


def test_the_row_of_the_node_is_written_once_in_five_seconds(
    observe: Observe, nodes: dict[str, Node], ours: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with platform_scope():
        with django_assert_num_queries(1):
            observe("n1", {name(ours): server()})
        nodes["n1"].refresh_from_db()
        assert (nodes["n1"].heartbeat_at, nodes["n1"].version) == (NOW, "2.6.12")
        with django_assert_num_queries(0):
            observe("n1", {name(ours): server("down")}, at=NOW + 4 * SECOND)
        with django_assert_num_queries(1):
            observe("n1", at=NOW + 5 * SECOND)


def test_a_clock_that_runs_ahead_does_not_make_a_node_younger(observe: Observe, nodes: dict[str, Node]) -> None:
    status.observe(nodes["n1"], frame(at=NOW + 60 * SECOND), now=NOW)
    assert queries.nodes(now=NOW + 10 * SECOND)[0].age == 10.0


def test_a_report_shows_at_once_and_keeps_what_was_observed(observe: Observe, nodes: dict[str, Node]) -> None:
    observe("n1")
    with platform_scope():
        Node.objects.filter(name="n1").update(generation=9, outcome="converged")
    status.reported(nodes["n1"], ["a" * 12])
    node = queries.nodes(now=NOW)[0]
    assert (node.generation, node.outcome, node.sessions, node.version) == (9, "converged", 5, "2.6.12")


def test_a_report_before_any_observation_is_not_a_heartbeat(kept: "redis.Redis", nodes: dict[str, Node]) -> None:
    status.reported(nodes["n1"], [])
    assert queries.nodes(now=NOW) == []


def test_a_node_that_left_is_forgotten(observe: Observe, nodes: dict[str, Node], ours: Tenant) -> None:
    for node in nodes:
        observe(node, {name(ours): server()})
    status.forget(nodes["n2"])
    seen = queries.backends(ours.key, [(POOL, ONE)], now=NOW)[POOL, ONE]
    assert [on.node for on in seen.nodes] == ["n1"]
    assert [node.name for node in queries.nodes(now=NOW)] == ["n1"]


@pytest.mark.usefixtures("no_redis")
def test_without_redis_nothing_is_known_and_nothing_fails(ours: Tenant) -> None:
    assert queries.nodes(now=NOW) == []
    assert queries.backends(ours.key, [(POOL, ONE)], now=NOW) == {(POOL, ONE): UNKNOWN}
    assert queries.pools(ours.key, [POOL], now=NOW)[POOL].total == 0
    assert queries.tenant_snapshot(ours.key, now=NOW).backends == {}


@pytest.mark.usefixtures("kept")
def test_a_bell_names_the_tenant_and_carries_nothing_else(
    observe: Observe, ours: Tenant, redis_of_session: RedisServer
) -> None:
    with redis.Redis.from_url(redis_of_session.url) as raw, raw.pubsub() as heard:
        heard.psubscribe("live__group__*")
        assert heard.get_message(timeout=2)
        observe("n1", {name(ours): server(detail="secret")})
        bells = [heard.get_message(timeout=2) for _ in range(2)]
    assert {bell["channel"] for bell in bells if bell} == {
        f"live__group__t.{ours.pk}.backends".encode(),
        f"live__group__t.{ours.pk}.status".encode(),
    }
    assert "secret" not in str(bells)


def test_the_round_trips_do_not_grow_with_the_tenants(observe: Observe, monkeypatch: pytest.MonkeyPatch) -> None:
    trips: list[int] = []
    real = Pipeline.execute

    def counted(pipe: Any, *args: Any, **options: Any) -> Any:
        trips.append(1)
        return real(pipe, *args, **options)

    monkeypatch.setattr(Pipeline, "execute", counted)

    def rows(letters: str) -> dict[str, Any]:
        return {f"t{'a' * 10}{one}{two}/{POOL}/{ONE}": server() for one in letters for two in letters}

    assert len(observe("n1", rows("ab"), full=True)) == 4
    few = len(trips)
    assert len(observe("n1", rows("abcdefgh"), full=True, at=NOW + SECOND)) == 60
    assert len(trips) - few == few


def test_a11_who_goes_down_and_comes_back_is_an_event(observe: Observe, ours: Tenant, theirs: Tenant) -> None:
    """Row A11: of a server that moved to another address too, once for each node, and nobody else's."""
    moved = f"{ONE}2"
    observe("n1", {name(ours, moved): server()}, at=NOW)
    observe("n1", {name(ours, moved): server(sessions=7)}, at=NOW + SECOND)
    ill = server("down", check="L4CON", code=None, detail="Connection refused")
    observe("n1", {name(ours, moved): ill}, at=NOW + 2 * SECOND)
    observe("n2", {name(ours, moved): ill}, at=NOW + 2 * SECOND)  # it never saw it up
    observe("n1", {name(ours, moved): server()}, at=NOW + 3 * SECOND)
    observe("n1", {name(ours, moved): ill}, at=NOW + 2 * SECOND)  # late: it is no news
    events = health_events.newest(ours.key)
    assert [(event.node, event.before, event.after, event.check) for event in events] == [
        ("n1", "down", "up", "L7OK"),
        ("n1", "up", "down", "L4CON"),
    ]
    assert (events[1].backend, events[1].at) == (ONE[1:], NOW.timestamp() + 2)
    assert health_events.newest(ours.key, backend=TWO[1:]) == []
    assert health_events.newest(theirs.key) == []


def test_the_newest_hundred_events_are_kept(observe: Observe, ours: Tenant) -> None:
    for number in range(120):
        observe("n1", {name(ours): server("up" if number % 2 else "down")}, at=NOW + number * SECOND)
    events = health_events.newest(ours.key)
    assert len(events) == 100
    assert events[0].at == NOW.timestamp() + 119
