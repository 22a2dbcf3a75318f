"""Changes that wait: not served until deployed, deployed whole or in parts that stand alone, taken back."""

from typing import Any

import pytest
from django.utils import timezone

from balancer.fleet.models import Edit, HostClaim, Revision
from balancer.models import Pool, Route
from balancer.queries import desired_state, impact, objects
from balancer.services import backends, pools, revisions, routes, tenant_changes
from tenants.errors import Conflict
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.changes.conftest import Fleet


@pytest.fixture
def staged(fleet: Fleet) -> Fleet:
    """A pool with two backends and a route, live; from here on changes wait."""
    pool = build.pool(fleet.tenant, name="shop")
    for last in (1, 2):
        build.backend(fleet.tenant, pool, address=f"127.0.0.{last}:80")
    build.route(fleet.tenant, pool, host="a.test")
    fleet.cut()
    fleet.live()
    answer = fleet.api.put("/api/delivery", {"deploy": "staged"})
    assert answer.status_code == 200, answer.content
    return fleet


def pool_of(fleet: Fleet) -> Pool:
    with tenant_scope(fleet.tenant):
        return Pool.objects.get(name="shop")


def waiting(fleet: Fleet) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = fleet.get("changes?ordering=id")["items"]
    return found


def test_nothing_is_cut_until_it_is_deployed(staged: Fleet) -> None:
    build.backend(staged.tenant, pool_of(staged), address="127.0.0.3:80")
    assert staged.cut() is None
    assert staged.newest().number == 1
    assert [(one["act"], one["name"], one["staged"]) for one in waiting(staged)] == [("create", "127.0.0.3:80", True)]
    made = staged.post("changes/deploy", {"note": "a third one"})
    assert (made["number"], made["note"], made["author"]) == (2, "a third one", "owner@ours.test")
    assert "127.0.0.3" in str(staged.newest().state)
    assert waiting(staged) == []


def test_the_sweep_leaves_them_alone(staged: Fleet) -> None:
    build.pool(staged.tenant)
    with platform_scope():
        assert staged.tenant.pk not in revisions.uncut_tenants(100)


def test_a_write_says_that_it_waits(staged: Fleet) -> None:
    answer = staged.post("pools", {"name": "other"}, status=201)
    assert answer["change"]["state"] == "saved"


def test_a_drain_is_meant_now_and_takes_nothing_else_along(staged: Fleet) -> None:
    pool = pool_of(staged)
    with tenant_scope(staged.tenant):
        one = pool.backends.get(ip="127.0.0.1")
        backends.update(one, {"weight": 9}, by=build.actor(), now=timezone.now())
        backends.drain(one, by=build.actor(), now=timezone.now())
    made = staged.cut()
    assert made is not None
    server = next(s for s in made.state["pools"][0]["servers"] if s["address"] == "127.0.0.1")
    assert (server["admin"], server["weight"]) == ("drain", 100)
    assert [one["act"] for one in waiting(staged)] == ["update"]
    staged.post("changes/deploy")
    server = next(s for s in staged.newest().state["pools"][0]["servers"] if s["address"] == "127.0.0.1")
    assert (server["admin"], server["weight"]) == ("drain", 9)


def test_a_plan_or_a_suspension_waits_for_nobody(staged: Fleet) -> None:
    build.backend(staged.tenant, pool_of(staged), address="127.0.0.3:80")
    with platform_scope():
        type(staged.tenant).objects.filter(pk=staged.tenant.pk).update(status="suspended")
        tenant_changes.changed(
            staged.tenant, by=build.actor(), now=timezone.now(), before={"status": "a"}, after={"status": "b"}
        )
    made = staged.cut()
    assert made is not None
    assert made.state["suspended"] is True
    assert "127.0.0.3" not in str(made.state)
    with platform_scope():
        type(staged.tenant).objects.filter(pk=staged.tenant.pk).update(status="active")


def test_what_it_takes_costs_two_queries(staged: Fleet, django_assert_num_queries: Any) -> None:
    with tenant_scope(staged.tenant):
        wanted = desired_state.of(staged.tenant)
        with django_assert_num_queries(2):
            assert len(impact.of(staged.tenant.pk, wanted).nodes) == 2


def test_a_preview_shows_objects_text_and_what_it_takes_and_changes_nothing(staged: Fleet) -> None:
    with tenant_scope(staged.tenant):
        backends.set_weight(pool_of(staged).backends.all()[0], 9, by=build.actor(), now=timezone.now())
    staged.cut()
    staged.live()
    build.backend(staged.tenant, pool_of(staged), address="127.0.0.3:80")
    before = objects_of(staged)
    seen = staged.post("changes/preview")
    assert [(one["act"], one["kind"], one["name"]) for one in seen["objects"]] == [
        ("create", "backend", "127.0.0.3:80")
    ]
    assert "+    server" in seen["rendered"]
    assert seen["impact"]["summary"] == "runtime only"
    with tenant_scope(staged.tenant):
        pools.update(pool_of(staged), {"algorithm": "least_conn"}, by=build.actor(), now=timezone.now())
        after = objects_of(staged)
    seen = staged.post("changes/preview")
    assert seen["impact"]["summary"] == "reload on 2 nodes"
    assert seen["impact"]["nodes"][0]["reload"] == [f"pool {pool_of(staged).key} has another algorithm"]
    assert objects_of(staged) == after != before
    assert staged.newest().number == 2


def objects_of(fleet: Fleet) -> Any:
    with tenant_scope(fleet.tenant):
        return objects.current()


def test_a_part_goes_out_alone_and_the_rest_waits_on(staged: Fleet) -> None:
    build.backend(staged.tenant, pool_of(staged), address="127.0.0.3:80")
    build.backend(staged.tenant, pool_of(staged), address="127.0.0.4:80")
    first, second = waiting(staged)
    staged.post("changes/deploy", {"edits": [first["id"]]})
    assert "127.0.0.3" in str(staged.newest().state)
    assert "127.0.0.4" not in str(staged.newest().state)
    assert [one["id"] for one in waiting(staged)] == [second["id"]]
    assert [one["name"] for one in staged.get("revisions/2/diff")["objects"]] == ["127.0.0.3:80"]
    staged.post("changes/deploy")
    assert "127.0.0.4" in str(staged.newest().state)


def test_a_part_that_needs_another_is_refused_with_what_is_missing(staged: Fleet) -> None:
    other = build.pool(staged.tenant, name="other")
    build.backend(staged.tenant, other, address="127.0.0.5:80")
    build.route(staged.tenant, other, host="b.test")
    pool, backend, route = waiting(staged)
    refused = staged.post("changes/deploy", {"edits": [route["id"]]}, status=409)
    assert refused["code"] == "incomplete"
    assert [error["detail"] for error in refused["errors"]] == [
        f"Created pool other (change {pool['id']}) is needed too."
    ]
    staged.post("changes/deploy", {"edits": [route["id"], pool["id"]]})
    assert "b.test" in str(staged.newest().state)
    assert [one["id"] for one in waiting(staged)] == [backend["id"]]


def test_an_object_goes_whole(staged: Fleet) -> None:
    with tenant_scope(staged.tenant):
        pools.update(pool_of(staged), {"retries": 1}, by=build.actor(), now=timezone.now())
        pools.update(pool_of(staged), {"retries": 0}, by=build.actor(), now=timezone.now())
    first, second = waiting(staged)
    refused = staged.post("changes/deploy", {"edits": [first["id"]]}, status=409)
    assert second["id"] in refused["errors"][0]["detail"]


def test_a_deletion_needs_that_of_what_points_there(staged: Fleet) -> None:
    with tenant_scope(staged.tenant):
        routes.delete(Route.objects.get(), by=build.actor(), now=timezone.now())
        pools.delete(pool_of(staged), by=build.actor(), now=timezone.now())
    gone, pool = waiting(staged)
    refused = staged.post("changes/deploy", {"edits": [pool["id"]]}, status=409)
    assert gone["id"] in refused["errors"][0]["detail"]
    staged.post("changes/deploy", {"edits": [gone["id"]]})
    assert staged.newest().state["routes"] == []
    staged.post("changes/deploy", {"edits": [pool["id"]]})
    assert staged.newest().state["pools"] == []


def test_discarding_leaves_no_trace_but_the_trail(staged: Fleet) -> None:
    before = objects_of(staged)
    with tenant_scope(staged.tenant):
        pools.update(pool_of(staged), {"name": "market"}, by=build.actor(), now=timezone.now())
        backend = Pool.objects.get().backends.all()[0]
        backends.update(backend, {"address": "127.0.0.9:80"}, by=build.actor(), now=timezone.now())
        routes.delete(Route.objects.get(), by=build.actor(), now=timezone.now())
    build.route(staged.tenant, host="b.test")
    assert staged.post("changes/discard") == {"changes": 5, "objects": 5}
    assert objects_of(staged) == before
    assert staged.cut() is None
    assert staged.newest().number == 1
    with platform_scope():
        assert set(HostClaim.objects.values_list("host", flat=True)) == {"a.test"}
    staged.post("changes/discard", status=409)


def test_a_host_whose_route_is_about_to_go_is_nobody_elses_yet(staged: Fleet, committed: World) -> None:
    with tenant_scope(staged.tenant):
        routes.delete(Route.objects.get(), by=build.actor(), now=timezone.now())
    with pytest.raises(Conflict):
        build.route(committed.theirs, host="a.test")
    staged.post("changes/deploy")
    build.route(committed.theirs, host="a.test")


def test_going_automatic_sends_nothing_out_by_surprise(staged: Fleet) -> None:
    build.pool(staged.tenant)
    answer = staged.api.put("/api/delivery", {"deploy": "automatic"})
    assert (answer.status_code, answer.json()["code"]) == (409, "changes_waiting")
    staged.post("changes/discard")
    assert staged.api.put("/api/delivery", {"deploy": "automatic"}).json()["deploy"] == "automatic"
    build.pool(staged.tenant)
    assert staged.cut() is not None


def test_a_rollback_undoes_what_waits_and_says_so(staged: Fleet) -> None:
    build.pool(staged.tenant)
    answer = staged.post("revisions/1/rollback")
    assert answer["changes_gone"] == 1
    assert waiting(staged) == []
    with tenant_scope(staged.tenant):
        assert Pool.objects.count() == 1


def test_one_who_read_before_another_wrote_does_not_run_over_it(staged: Fleet) -> None:
    tag = staged.api.get("/api/delivery").headers["ETag"]
    assert staged.api.put("/api/delivery", {"deploy": "staged", "canary": True}, **{"If-Match": tag}).status_code == 200
    assert staged.api.put("/api/delivery", {"deploy": "staged"}, **{"If-Match": tag}).status_code == 412


def test_who_never_had_a_revision_can_stage_and_discard(fleet: Fleet) -> None:
    fleet.api.put("/api/delivery", {"deploy": "staged"})
    build.pool(fleet.tenant)
    fleet.post("changes/discard")
    with tenant_scope(fleet.tenant):
        assert not Pool.objects.exists()
        assert Revision.objects.count() == 1
        assert not Edit.objects.filter(revision=None).exists()


def test_a_purge_waits_for_nobody_and_sends_nothing_else_out(staged: Fleet) -> None:
    with tenant_scope(staged.tenant):
        route = Route.objects.get()
    kept = staged.api.patch(f"/api/routes/{route.pk}", {"cache": {"ttl": "60s"}})
    assert kept.status_code == 200, kept.content
    staged.post("changes/deploy", {})
    staged.live()
    build.pool(staged.tenant, name="later")
    number = staged.newest().number
    done = staged.api.post(f"/api/routes/{route.pk}/purge-cache")
    assert done.status_code == 200, done.content
    staged.cut()
    newest = staged.newest()
    assert newest.number == number + 1
    assert newest.state["routes"][0]["handling"]["cache"]["purged"] > 0
    assert len(newest.state["pools"]) == 1
    assert [(one["act"], one["name"]) for one in waiting(staged)] == [("create", "later")]


def test_a_rollback_past_a_purge_keeps_its_mark(staged: Fleet) -> None:
    with tenant_scope(staged.tenant):
        route = Route.objects.get()
    staged.api.patch(f"/api/routes/{route.pk}", {"cache": {"ttl": "60s"}})
    staged.post("changes/deploy", {})
    before = staged.newest().number
    staged.api.post(f"/api/routes/{route.pk}/purge-cache")
    staged.cut()
    mark = staged.newest().state["routes"][0]["handling"]["cache"]["purged"]
    staged.api.patch(f"/api/routes/{route.pk}", {"cache": {"ttl": "5s"}})
    staged.post("changes/deploy", {})
    staged.post(f"revisions/{before}/rollback", {})
    cache = staged.newest().state["routes"][0]["handling"]["cache"]
    assert cache == {"ttl_s": 60, "max_object": 65536, "cookies": False, "purged": mark}
