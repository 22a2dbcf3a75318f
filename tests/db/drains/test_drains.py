"""Drains: what is asked, what is measured, and what follows."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone

from balancer.fleet.models import Drain, Ending, Node
from balancer.models import Backend
from balancer.services import drains, status
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.build import Api
from tests.conftest import World
from tests.db.status import frames

pytestmark = pytest.mark.django_db


class Fleet:
    """Two nodes that say what they are told to."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.nodes = list(build.cluster().nodes.order_by("name"))

    def say(self, node: int, at: datetime, **backends: tuple[Backend, dict[str, Any]]) -> None:
        one: Node = self.nodes[node]
        servers = {
            f"{self.world.ours.key}/p{backend.pool_id}/{backend.key}": frames.server(**values)
            for backend, values in backends.values()
        }
        with platform_scope():
            status.observe(one, frames.frame(servers, at=at, full=True), now=at)

    def shows(self, at: datetime, *told: tuple[Backend, dict[str, Any]]) -> None:
        for node in range(2):
            self.say(node, at, **{f"b{i}": one for i, one in enumerate(told)})


@pytest.fixture
def fleet(world: World, kept: "redis.Redis") -> Fleet:
    return Fleet(world)


@pytest.fixture
def api(world: World) -> Api:
    return build.api(world.owner, world.ours)


@pytest.fixture
def two(world: World) -> tuple[Backend, Backend]:
    pool = build.pool(world.ours)
    return build.backend(world.ours, pool), build.backend(world.ours, pool)


def drain(api: Api, backend: Backend, **body: Any) -> Any:
    answer = api.post(f"/api/backends/{backend.pk}/drain", body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def admin(world: World, backend: Backend) -> str | None:
    with tenant_scope(world.ours):
        return Backend.objects.filter(pk=backend.pk).values_list("admin", flat=True).first()


def row() -> Drain:
    with platform_scope():
        return Drain.objects.order_by("began_at", "pk").last()  # type: ignore[return-value]


def later(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


GONE = {"admin": "drain", "sessions": 0}
ONE_LEFT = {"admin": "drain", "sessions": 1}


def test_the_answer_and_get_tell_how_far_it_is(fleet: Fleet, api: Api, two: tuple[Backend, Backend]) -> None:
    one, _ = two
    asked = drain(api, one, deadline="90s", then="maintain")["drain"]
    assert (asked["then"], asked["seconds_left"], asked["empty"]) == ("maintain", 90, False)
    assert [(node["node"], node["silent"], node["sessions"]) for node in asked["nodes"]] == [
        ("n1", True, None),
        ("n2", True, None),
    ]
    fleet.say(0, timezone.now(), b=(one, {"admin": "drain", "sessions": 3}))
    fleet.say(1, timezone.now(), b=(one, {"admin": "ready", "sessions": 2}))
    seen = api.get(f"/api/backends/{one.pk}").json()["drain"]
    assert (seen["sessions"], seen["empty"], seen["seconds_left"] <= 90) == (5, False, True)
    assert [(node["node"], node["confirmed"], node["sessions"]) for node in seen["nodes"]] == [
        ("n1", True, 3),
        ("n2", False, 2),
    ]
    assert all(node["age"].endswith(("ms", "s")) for node in seen["nodes"])
    listed = {item["id"]: item["drain"] for item in api.get("/api/backends").json()["items"]}
    assert listed[one.pk]["sessions"] == 5
    assert listed[two[1].pk] is None


@pytest.mark.parametrize(("then", "admin_after"), [("maintain", "maint"), ("ready", "ready"), ("remove", None)])
def test_what_follows_is_done_when_nobody_is_left(
    world: World, fleet: Fleet, api: Api, two: tuple[Backend, Backend], then: str, admin_after: str | None
) -> None:
    drain(api, two[0], deadline="1h", then=then)
    fleet.shows(later(3), (two[0], ONE_LEFT))
    assert drains.go_on_with_all(now=later(3)) == 0
    assert admin(world, two[0]) == "drain"
    fleet.shows(later(4), (two[0], GONE))
    assert drains.go_on_with_all(now=later(4)) == 1
    assert admin(world, two[0]) == admin_after
    assert row().ending == Ending.EMPTY
    assert drains.go_on_with_all(now=later(5)) == 0


def test_a_silent_node_is_not_an_empty_one(world: World, fleet: Fleet, api: Api, two: tuple[Backend, Backend]) -> None:
    drain(api, two[0], deadline="60s", then="maintain")
    fleet.say(0, later(3), b=(two[0], GONE))
    assert drains.go_on_with_all(now=later(3)) == 0
    fleet.say(1, later(3), b=(two[0], GONE))
    fleet.say(0, later(30), b=(two[0], GONE))
    assert drains.go_on_with_all(now=later(30)) == 0, "n2 was last heard 27 s ago"
    assert drains.go_on_with_all(now=later(61)) == 1, "the deadline waits for nobody"
    assert (row().ending, admin(world, two[0])) == (Ending.DEADLINE, "maint")


def test_what_a_node_said_before_the_drain_could_be_seen_does_not_count(
    fleet: Fleet, api: Api, two: tuple[Backend, Backend]
) -> None:
    drain(api, two[0], then="maintain")
    fleet.shows(timezone.now(), (two[0], GONE))
    assert drains.go_on_with_all(now=later(1)) == 0


def test_somebody_who_waits_in_the_queue_is_somebody(fleet: Fleet, api: Api, two: tuple[Backend, Backend]) -> None:
    drain(api, two[0], then="maintain")
    fleet.shows(later(3), (two[0], {**GONE, "queue": 1}))
    assert drains.go_on_with_all(now=later(3)) == 0


def test_ready_calls_it_off_and_nothing_follows(
    world: World, fleet: Fleet, api: Api, two: tuple[Backend, Backend]
) -> None:
    drain(api, two[0], deadline="1s", then="remove")
    answer = api.post(f"/api/backends/{two[0].pk}/ready").json()
    assert (answer["admin"], answer["drain"]) == ("ready", None)
    assert row().ending == Ending.CANCELLED
    drains.go_on_with_all(now=later(10))
    assert admin(world, two[0]) == "ready"


def test_a_backend_that_a_bulk_took_out_of_its_drain_is_left_alone(
    world: World, api: Api, two: tuple[Backend, Backend]
) -> None:
    drain(api, two[0], deadline="1s", then="remove")
    with tenant_scope(world.ours):
        Backend.objects.filter(pk=two[0].pk).update(admin="ready")
    assert drains.go_on_with_all(now=later(10)) == 1
    assert (row().ending, admin(world, two[0])) == (Ending.CANCELLED, "ready")


def test_asked_anew_the_new_deadline_counts(world: World, api: Api, two: tuple[Backend, Backend]) -> None:
    drain(api, two[0], deadline="1s", then="remove")
    drain(api, two[0], deadline="1h", then="maintain")
    assert drains.go_on_with_all(now=later(10)) == 0
    assert admin(world, two[0]) == "drain"


def test_without_anything_to_follow_it_stays_drained(
    world: World, fleet: Fleet, api: Api, two: tuple[Backend, Backend]
) -> None:
    drain(api, two[0], deadline="1s")
    fleet.shows(later(10), (two[0], GONE))
    drains.go_on_with_all(now=later(10))
    assert admin(world, two[0]) == "drain"
    assert row().emptied_at is not None
    assert row().ended_at is None


def test_the_last_healthy_one_stays_unless_forced(
    world: World, fleet: Fleet, api: Api, two: tuple[Backend, Backend]
) -> None:
    one, other = two
    fleet.say(0, timezone.now(), a=(one, {}), b=(other, {"oper": "up"}))
    fleet.say(1, timezone.now(), a=(one, {}), b=(other, {"oper": "down", "check": "L7STS"}))
    for act in ("drain", "maintain"):
        refused = api.post(f"/api/backends/{one.pk}/{act}")
        assert (refused.status_code, refused.json()["code"]) == (409, "last_healthy")
        assert "on n2" in refused.json()["detail"]
    assert admin(world, one) == "ready"
    assert api.post(f"/api/backends/{other.pk}/drain").status_code == 200, "who is ill may go"
    api.post(f"/api/backends/{other.pk}/ready")
    drain(api, one, force=True)


def test_a_pool_is_not_emptied_by_a_selection_unless_forced(
    world: World, api: Api, two: tuple[Backend, Backend]
) -> None:
    pool = two[0].pool_id
    for body in ({"pool": pool}, {"ids": [one.pk for one in two]}):
        refused = api.post("/api/backends/drain", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "last_backend"), refused.content
    assert [admin(world, one) for one in two] == ["ready", "ready"], "all of them or none"
    third = build.backend(world.ours, two[0].pool)
    done = api.post("/api/backends/drain", {"ids": [one.pk for one in two], "deadline": "5m", "then": "maintain"})
    assert done.status_code == 200, done.content
    assert {item["id"] for item in done.json()["items"]} == {one.pk for one in two}
    assert all(item["drain"]["then"] == "maintain" for item in done.json()["items"])
    forced = api.post(f"/api/pools/{pool}/backends/drain", {"force": True})
    assert forced.status_code == 200, forced.content
    assert admin(world, third) == "drain"


def test_a_selection_names_what_is_not_here(world: World, api: Api, two: tuple[Backend, Backend]) -> None:
    theirs = build.backend(world.theirs)
    refused = api.post("/api/backends/drain", {"ids": [two[0].pk, theirs.pk]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/ids/1")
    assert api.post("/api/backends/drain", {}).status_code == 422
    assert admin(world, two[0]) == "ready"


def test_a_removal_may_drain_first(world: World, fleet: Fleet, api: Api, two: tuple[Backend, Backend]) -> None:
    answer = api.delete(f"/api/backends/{two[0].pk}?drain=30s")
    assert (answer.status_code, answer.json()["drain"]["then"]) == (202, "remove")
    assert api.get(f"/api/backends/{two[0].pk}").json()["drain"]["seconds_left"] <= 30
    fleet.shows(later(3), (two[0], GONE))
    drains.go_on_with_all(now=later(3))
    assert api.get(f"/api/backends/{two[0].pk}").status_code == 404
    assert api.delete(f"/api/backends/{two[1].pk}?drain=soon").json()["errors"][0]["pointer"] == "/drain"
    assert api.delete(f"/api/backends/{two[1].pk}").status_code == 200
