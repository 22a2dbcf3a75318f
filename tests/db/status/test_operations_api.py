"""Status, cluster and tickets through the API, and health."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.test import Client
from django.utils import timezone

from balancer.fleet.models import Cluster, Node, Outcome
from balancer.queries import health, store
from balancer.services import nodes, status, tickets
from tenants.roles import Role
from tenants.scope import platform_scope
from tests import build
from tests.conftest import World
from tests.db.status.frames import frame

pytestmark = pytest.mark.usefixtures("db")
OK = {"status": "healthy"}


@pytest.fixture(autouse=True)
def probed_anew() -> None:
    """What a probe remembers for a second is another test's."""
    for probe in (health.DATABASE, health.REDIS):
        probe.forget()


@pytest.fixture
def beat(kept: "redis.Redis") -> Callable[[str], None]:
    def act(name: str) -> None:
        now = timezone.now()
        with platform_scope():
            status.observe(Node.objects.get(name=name), frame(at=now), now=now)

    return act


def break_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def dead() -> dict[str, Any]:
        return {"dbname": "x", "user": "x", "password": "hush", "host": "127.0.0.1", "port": "1"}

    monkeypatch.setattr("balancer.queries.health.database_link", dead)


@pytest.mark.usefixtures("kept")
def test_health_is_exactly_that() -> None:
    answer = Client().get("/health")
    assert (answer.status_code, answer.content) == (200, b'{"status":"healthy"}')
    assert answer["Content-Type"] == "application/json"
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.usefixtures("no_redis")
def test_health_without_redis_is_503_and_ready_names_it() -> None:
    answer = Client().get("/health")
    assert (answer.status_code, answer.content) == (503, b'{"status":"unhealthy"}')
    ready = Client().get("/health/ready")
    assert (ready.status_code, ready.json()["failing"]) == (503, ["redis"])
    assert Client().get("/health/live").json() == {"status": "live"}


@pytest.mark.usefixtures("kept")
def test_health_without_the_database_is_503_and_hushes_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    break_database(monkeypatch)
    assert Client().get("/health").content == b'{"status":"unhealthy"}'
    ready = Client().get("/health/ready")
    assert ready.json()["failing"] == ["database"]
    assert "hush" not in ready.content.decode()
    assert "127.0.0.1" not in ready.content.decode()


def test_a_probe_is_asked_once_a_second_and_remembers_its_last_error() -> None:
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        if len(asked) == 1:
            raise redis.ConnectionError

    probe = health.Probe("it", ask)
    assert [probe.part().up for _ in range(5)] == [False] * 5
    assert len(asked) == 1
    probe.expire()
    part = probe.part()
    assert (part.up, part.error) == (True, "")
    assert part.last_error == "It cannot be reached (ConnectionError)."
    assert part.failed_at is not None


@pytest.mark.usefixtures("kept")
def test_a_part_that_is_away_degrades_the_status(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    break_database(monkeypatch)
    body = build.api(world.viewer, world.ours).get("/api/status/health").json()
    assert body["status"] == "degraded"
    assert body["parts"]["database"]["state"] == "down"
    assert body["parts"]["redis"] == {**body["parts"]["redis"], "state": "up", "error": None}


def test_status_is_ok_when_everything_is(world: World, beat: Callable[[str], None], kept: "redis.Redis") -> None:
    for name in ("n1", "n2"):
        beat(name)
    kept.hset(store.WORKERS, "control@here", str(timezone.now().timestamp() - 3))
    kept.set(store.LEADER, "token", px=9000)
    build.backend(world.ours)
    body = build.api(world.viewer, world.ours).get("/api/status").json()
    assert body["status"] == "ok"
    assert {name: part["state"] for name, part in body["parts"].items()} == {
        "database": "up",
        "redis": "up",
        "workers": "up",
        "nodes": "up",
    }
    assert body["counts"] == {"nodes": 2, "nodes_healthy": 2, "pools": 1, "backends": 1, "routes": 0}
    assert body["leader"]["held"] is True
    assert body["leader"]["expires_in"].endswith("s")


def test_status_says_who_is_away(world: World, beat: Callable[[str], None], kept: "redis.Redis") -> None:
    beat("n1")
    kept.hset(store.WORKERS, "control@here", str(timezone.now().timestamp() - 31))
    body = build.api(world.viewer, world.ours).get(f"/api/tenants/{world.ours.slug}/status").json()
    assert (body["status"], body["leader"]) == ("degraded", {"held": False, "expires_in": None})
    assert (body["parts"]["workers"]["state"], body["parts"]["nodes"]["state"]) == ("down", "degraded")


@pytest.mark.usefixtures("no_redis")
def test_status_without_redis_is_answered(world: World) -> None:
    answer = build.api(world.viewer, world.ours).get("/api/status")
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "degraded")
    assert (body["parts"]["redis"]["state"], body["parts"]["workers"]["state"]) == ("down", "unknown")
    assert body["leader"] == {"held": None, "expires_in": None}


def test_the_cluster_shows_each_node(world: World, beat: Callable[[str], None]) -> None:
    beat("n1")
    with platform_scope():
        Cluster.objects.update(generation=8)
        Node.objects.filter(name="n1").update(generation=8, outcome=Outcome.CONVERGED)
        Node.objects.filter(name="n2").update(heartbeat_at=timezone.now() - timedelta(seconds=40), generation=3)
    body = build.api(world.viewer, world.ours).get("/api/cluster").json()
    (cluster,) = body["clusters"]
    first, second = cluster["nodes"]
    assert (cluster["name"], cluster["generation"]) == ("main", 8)
    assert (first["name"], first["healthy"], first["fresh"], first["sync"]) == ("n1", True, "live", "in_sync")
    assert first["version"] == "2.6.12"
    assert (second["name"], second["healthy"], second["fresh"], second["sync"]) == ("n2", False, "offline", "unknown")
    assert second["age"].startswith("40.")


@pytest.mark.usefixtures("kept")
def test_a_node_whose_haproxy_is_silent_is_not_healthy(world: World, kept: "redis.Redis") -> None:
    now = timezone.now()
    with platform_scope():
        status.observe(Node.objects.get(name="n1"), frame(at=now, pid=0, version=""), now=now)
    body = build.api(world.viewer, world.ours).get("/api/cluster").json()
    first, second = body["clusters"][0]["nodes"]
    assert (first["fresh"], first["serving"], first["healthy"]) == ("live", False, False)
    assert (second["fresh"], second["serving"], second["healthy"]) == ("offline", None, False)


def test_a_tenant_sees_its_own_cluster_and_staff_see_all(world: World) -> None:
    with platform_scope():
        other = Cluster.objects.create(name="dedicated")
        nodes.take_in("n9", other, key="9" * 64)
    for asker, names in (
        (build.api(world.owner, world.ours), ["main"]),
        (build.api(build.staff()), ["dedicated", "main"]),
    ):
        assert [one["name"] for one in asker.get("/api/cluster").json()["clusters"]] == names
    assert build.api(build.staff()).get("/api/status").json()["counts"]["nodes"] == 3


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("path", ["status", "status/health", "cluster"])
def test_whose_it_is(world: World, path: str) -> None:
    assert build.api().get(f"/api/{path}").status_code == 401
    assert build.api(world.owner).get(f"/api/tenants/{world.theirs.slug}/{path}").status_code == 404
    assert build.api(build.member(world.ours, Role.BILLING), world.ours).get(f"/api/{path}").status_code == 200


@pytest.mark.usefixtures("kept")
def test_a_ticket_stands_for_its_asker_once(world: World) -> None:
    answer = build.api(world.viewer, world.ours).post("/api/ws/ticket")
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    ticket = answer.json()["ticket"]
    assert ticket not in str(store.client().keys("*"))
    stands_for = tickets.redeem(ticket)
    assert stands_for is not None
    assert (stands_for["user_id"], stands_for["tenant_id"]) == (str(world.viewer.pk), world.ours.pk)
    assert stands_for["expires_at"] <= timezone.now().timestamp() + 900, "it outlives the token it was asked with"
    assert tickets.redeem(ticket) is None
    assert build.api().post("/api/ws/ticket").status_code == 401


@pytest.mark.usefixtures("kept")
def test_e5_reading_at_once_is_asked_for_ten_times_a_minute(world: World, settings: Any) -> None:
    settings.THROTTLES = {}
    codes = [build.api(world.viewer, world.ours).post("/api/ws/force-update").status_code for _ in range(11)]
    assert (codes[:10], codes[10]) == ([202] * 10, 429)
    assert build.api(world.their_owner, world.theirs).post("/api/ws/force-update").status_code == 202


@pytest.mark.usefixtures("kept")
def test_e4_what_is_paused_is_said_for_a_person_and_a_tenant(world: World) -> None:
    mine, anothers = build.api(world.viewer, world.ours), build.api(world.owner, world.ours)
    assert mine.post("/api/ws/control", {"action": "pause"}).json()["paused"] == ["backends", "metrics", "status"]
    assert mine.post("/api/ws/control", {"action": "resume", "type": "status"}).status_code == 200
    assert mine.get("/api/ws/control").json() == {"paused": ["backends", "metrics"]}
    assert anothers.get("/api/ws/control").json() == {"paused": []}
    assert build.api(world.viewer, world.ours).get(f"/api/tenants/{world.theirs.slug}/ws/control").status_code == 404
    assert 0 < store.client().ttl(store.paused_key(world.ours.pk, str(world.viewer.pk))) <= 24 * 3600


@pytest.mark.usefixtures("no_redis")
@pytest.mark.parametrize("path", ["control", "force-update"])
def test_e4_nothing_is_said_to_be_done_without_redis(world: World, path: str) -> None:
    body = {"action": "pause"} if path == "control" else {}
    answer = build.api(world.viewer, world.ours).post(f"/api/ws/{path}", body)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.usefixtures("no_redis")
def test_no_ticket_without_redis(world: World) -> None:
    answer = build.api(world.viewer, world.ours).post("/api/ws/ticket")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def test_a_status_is_shaped_as_the_api_says(beat: Callable[[str], None], world: World) -> None:
    from balancer.queries import status as queries
    from balancer.queries.status_json import backend_json
    from tests.db.status.frames import NOW, ONE, POOL, name, server

    with platform_scope():
        node = Node.objects.get(name="n1")
    body = frame({name(world.ours): server(check_ms=3)})
    status.observe(node, body, now=NOW)
    seen = queries.backends(world.ours.key, [(POOL, ONE)], now=NOW + timedelta(milliseconds=1500))[POOL, ONE]
    assert json.loads(json.dumps(backend_json(seen))) == {
        "oper": "up",
        "fresh": "live",
        "since": "2026-11-21T11:59:00.000Z",
        "age": "1.5s",
        "last_check": {
            "code": "L7OK",
            "status": 200,
            "detail": "",
            "duration": "3ms",
            "at": "2026-11-21T12:00:00.000Z",
        },
        "sessions": 1,
        "rate": 2,
        "queue": 0,
        "nodes": [{"node": "n1", "oper": "up", "admin": "ready", "fresh": "live", "sessions": 1, "age": "1.5s"}],
    }
