"""What breaks at night: drained stays drained, a killed worker is repaired, a node that was away catches up."""

import signal
import time
from collections.abc import Callable
from functools import partial

import httpx
import psycopg
import pytest
import redis

from tests.live.load import ask, load, serves
from tests.live.road.conftest import Site, post
from tests.live.runtime import pid, say
from tests.live.stack import NodeUnderTest, Program, Stack, until

pytestmark = pytest.mark.live
Make = Callable[..., Site]


def state(node: NodeUnderTest, backend: dict[str, str]) -> str:
    """HAProxy's own word for a server: UP, DRAIN, MAINT…"""
    name = f"b{backend['id']}"
    line = next(line for line in say(node, "show stat -1 4 -1").splitlines() if f",{name}," in line)
    return line.split(",")[17]


def test_a5_a_drain_survives_a_reload_and_a_node_restart(stack: Stack, make_site: Make) -> None:
    site = make_site(2)
    drained, kept = site.backends
    post(site.api, f"/backends/{drained['id']}/drain", status=200)
    site.answered_by({site.origins[1].name})
    for node in stack.nodes:
        until(lambda n=node: state(n, drained).startswith("DRAIN"), what="drain")  # type: ignore[misc]
    make_site(1)  # a new pool: a reload on every node
    for node in stack.nodes:
        until(lambda n=node: state(n, drained).startswith("DRAIN"), what="drain after a reload")  # type: ignore[misc]
    assert set(site.ask(20).by) == {site.origins[1].name}
    node = stack.nodes[0]
    stack.programs[f"node-{node.name}"].restart()
    until(lambda: site.ask(1).statuses[200], what="the restarted node")
    assert set(site.ask(20).by) == {site.origins[1].name}
    until(lambda: state(node, drained).startswith("DRAIN"), what="drain after a restart")
    post(site.api, f"/backends/{drained['id']}/ready", status=200)
    site.answered_by({origin.name for origin in site.origins})
    assert kept["id"]


def test_the_last_ready_backend_is_kept_unless_forced(make_site: Make) -> None:
    site = make_site(1)
    refused = post(site.api, f"/backends/{site.backends[0]['id']}/drain", status=409)
    assert refused["code"] == "last_backend"
    assert set(site.ask(5).by) == {site.origins[0].name}
    post(site.api, f"/backends/{site.backends[0]['id']}/maintain", {"force": True}, status=200)
    until(lambda: site.ask(1).statuses[503], what="503 of an empty pool")


def test_a1_a_restart_of_everything_loses_nothing(stack: Stack, make_site: Make) -> None:
    site = make_site(2)
    first, second = site.backends
    post(site.api, f"/backends/{first['id']}/weight", {"weight": 25}, status=200)
    post(site.api, f"/backends/{second['id']}/weight", {"weight": 75}, status=200)
    expected = {site.origins[0].name: 10, site.origins[1].name: 30}
    for node in range(2):
        until(lambda n=node: site.ask(40, n).by == expected, what="1:3")  # type: ignore[misc]
    for program in stack.programs.values():
        program.kill()
    for program in stack.programs.values():
        program.start()
    for node in range(2):
        until(lambda n=node: site.ask(40, n).by == expected, within=40, what="1:3 after a restart")  # type: ignore[misc]
    until(lambda: site.api.get("/pools").status_code == 200, within=40, what="the console")
    assert site.api.get(f"/backends/{first['id']}").json()["weight"] == 25


def test_b7_a_node_away_during_five_changes_catches_up_by_itself(stack: Stack, make_site: Make) -> None:
    site, away = make_site(1), stack.nodes[1]
    for name in (f"edge-{away.name}", f"node-{away.name}"):
        stack.programs[name].kill()
    hosts = [f"away{number}.{site.host}" for number in range(5)]
    for host in hosts:
        post(site.api, "/routes", {"host": host, "pool": site.pool["id"]})

    until(serves(stack.nodes[0].http_port, hosts[-1]), what="the node that stayed")
    for name in (f"node-{away.name}", f"edge-{away.name}"):
        stack.programs[name].start()
    for host in hosts:
        until(serves(away.http_port, host), within=40, what="catching up")


@pytest.mark.parametrize("after", [0.0, 0.05, 0.2])
def test_kill_9_of_an_edge_worker_during_a_deployment_ends_converged(
    stack: Stack, make_site: Make, after: float
) -> None:
    site, node = make_site(1), stack.nodes[0]
    post(site.api, "/pools", {"name": f"killed {site.host}"})
    extra = post(site.api, "/routes", {"host": f"k.{site.host}", "pool": site.pool["id"]})
    time.sleep(after)
    stack.programs[f"edge-{node.name}"].restart()

    until(serves(node.http_port, f"k.{site.host}"), within=40, what="the change after kill -9")
    until(lambda: all(d["state"] == "live" for d in newest(site)), within=40, what="live deployments")
    assert extra["id"]


def newest(site: Site) -> list[dict[str, str]]:
    items = site.api.get("/deployments", params={"page_size": 50}).json()["items"]
    top = max(item["revision"] for item in items)
    return [item for item in items if item["revision"] == top]


def test_b5_postgresql_away_mid_change_loses_nothing(stack: Stack, make_site: Make, road_database: str) -> None:
    site = make_site(1)
    base, _, name = road_database.rpartition("/")
    for number in range(5):
        with psycopg.connect(f"{base}/postgres", autocommit=True) as server:
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        answer = until(lambda n=number: route(site, f"pg{n}.{site.host}"), what="a write after the cut")  # type: ignore[misc]
        assert answer["id"]

    for number in range(5):
        until(serves(stack.nodes[0].http_port, f"pg{number}.{site.host}"), within=30)


def test_b5_redis_killed_mid_change_loses_nothing(stack: Stack, make_site: Make, road_redis: Program) -> None:
    site = make_site(1)
    post(site.api, "/routes", {"host": f"before.{site.host}", "pool": site.pool["id"]})
    road_redis.kill()
    made = route(site, f"without.{site.host}")
    assert site.ask(5).by == {site.origins[0].name: 5}, "traffic does not need Redis"
    road_redis.start()
    if made is None:
        until(lambda: route(site, f"without.{site.host}"), within=30, what="a write with Redis back")
    for host in ("before", "without"):
        until(partial(revived, stack, f"{host}.{site.host}"), within=60, what=f"{host} Redis came back")


def revived(stack: Stack, host: str) -> bool:
    """Celery's consumer may end itself when its broker goes (5.7.0); the process manager starts it again."""
    stack.revive()
    return serves(stack.nodes[0].http_port, host)()


def test_f17_one_request_id_follows_a_change_to_the_node(stack: Stack, make_site: Make) -> None:
    site = make_site(1)
    body = {"host": f"id.{site.host}", "pool": site.pool["id"]}
    assert site.api.post("/routes", json=body, headers={"X-Request-ID": "follow-me-17"}).status_code == 201
    until(serves(stack.nodes[0].http_port, f"id.{site.host}"))
    for node in stack.nodes:
        until(lambda n=node: "follow-me-17" in stack.words(f"edge-{n.name}", 20_000), what="the id in the node's log")  # type: ignore[misc]


def route(site: Site, host: str) -> dict[str, str] | None:
    """Create it; a lost connection is an honest 503, after which the write is there or is not."""
    answer = site.api.post("/routes", json={"host": host, "pool": site.pool["id"]})
    if answer.status_code == 409:
        return dict(site.api.get("/routes", params={"host": host}).json()["items"][0])
    assert answer.status_code in (201, 503), answer.text
    return answer.json() if answer.status_code == 201 else None


def test_one_tenants_refused_fragment_is_held_back_and_anothers_goes_on(
    stack: Stack, make_site: Make, road_database: str
) -> None:
    """A state that our own rules would never let through, put where the nodes are composed from."""
    site = make_site(1)
    with psycopg.connect(road_database, autocommit=True) as db:
        db.execute("SELECT set_config('veloflux.tenant', '*', false)")
        db.execute(
            "UPDATE fleet_snapshot "
            "SET state = jsonb_set(state, '{pools,0,health_check,expected_status}', '\"banana\"') "
            "WHERE tenant_id = (SELECT id FROM tenants_tenant WHERE slug = 'demo')"
        )
        db.execute(
            "WITH next AS (UPDATE fleet_cluster SET generation = generation + 1 RETURNING id, generation) "
            "UPDATE fleet_snapshot SET generation = next.generation FROM next WHERE cluster_id = next.id "
            "AND tenant_id = (SELECT id FROM tenants_tenant WHERE slug = 'demo')"
        )
    with load(stack.nodes[0].http_port, site.host) as tally, second_tenant(stack) as other:
        made = post(other, "/pools", {"name": "goes on"})
        for node in stack.nodes:
            until(lambda n=node: f"p{made['id']}" in say(n, "show stat -1 2 -1"), within=30, what="the other's pool")  # type: ignore[misc]
    assert not tally.failures, "the refused tenant keeps its last good state"
    # Its next good change lifts it.
    post(site.api, "/routes", {"host": f"again.{site.host}", "pool": site.pool["id"]})

    until(
        lambda: ask(stack.nodes[0].http_port, f"again.{site.host}").statuses[200],
        within=30,
        what="the next good change",
    )


def second_tenant(stack: Stack) -> httpx.Client:
    answer = httpx.post(
        f"{stack.console}/api/auth/register",
        json={
            "email": f"second{time.time_ns()}@example.test",
            "password": "a long enough phrase",
            "tenant_name": "Second",
        },
    )
    assert answer.status_code == 201, answer.text
    return stack.api(key=answer.json()["token"])


def test_haproxy_killed_comes_back_with_the_newest_state(stack: Stack, make_site: Make) -> None:
    site, node = make_site(2), stack.nodes[0]
    site.api.delete(f"/backends/{site.backends[0]['id']}")
    site.answered_by({site.origins[1].name})
    was = pid(node)
    stack.programs[f"node-{node.name}"].kill(signal.SIGKILL)
    stack.programs[f"node-{node.name}"].start()
    until(lambda: pid(node) != was and site.ask(1).statuses[200], what="HAProxy back")
    assert set(site.ask(20).by) == {site.origins[1].name}


def test_q8_the_leader_and_the_nodes_are_in_redis(stack: Stack, road_redis: Program) -> None:
    with redis.Redis.from_url(road_redis.name, decode_responses=True) as client:
        # That of a beat which an earlier test ended may be in its last moments: the living one renews its own.
        until(lambda: 5000 < client.pttl("veloflux:leader") <= 15_000, what="a leader that renews its lock")
        until(lambda: set(client.hgetall("veloflux:nodes")) == {node.name for node in stack.nodes}, what="the nodes")
    assert httpx.get(f"{stack.console}/api/status", headers=dict(stack.api().headers)).json()["leader"]
