"""Back to a revision: every object as it was, at once, or nothing and the reason."""

from typing import Any

import pytest
from django.utils import timezone

from balancer.fleet.models import Edit, HostClaim
from balancer.models import Backend, Pool, Route
from balancer.queries import objects
from balancer.services import backends, pools, routes
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.changes.conftest import Fleet


def rows(fleet: Fleet) -> Any:
    """But for what says how often a backend moved: one that goes back is another server to HAProxy."""
    with tenant_scope(fleet.tenant):
        found = objects.current()
    for backend in found["backend"].values():
        backend.pop("moves", None)
    return found


def site(fleet: Fleet) -> tuple[Pool, Backend, Route]:
    pool = build.pool(fleet.tenant, name="shop", description="the shop", tags=["eu"], check_headers={"X-Key": "hush"})
    backend = build.backend(fleet.tenant, pool, address="127.0.0.7:80", weight=7, region="eu")
    return pool, backend, build.route(fleet.tenant, pool, host="a.test", path_prefix="/shop", enabled=True)


def test_everything_is_as_it_was_in_a_new_revision(fleet: Fleet) -> None:
    pool, backend, route = site(fleet)
    fleet.cut()
    before, served = rows(fleet), fleet.newest().state
    by, now = build.actor(), timezone.now()
    with tenant_scope(fleet.tenant):
        pools.update(pool, {"name": "market", "algorithm": "least_conn", "tags": []}, by=by, now=now)
        backends.update(backend, {"address": "127.0.0.8:81", "weight": 3}, by=by, now=now)
        routes.delete(route, by=by, now=now)
        build.pool(fleet.tenant, name="shop")  # the name that was given up
    build.route(fleet.tenant, pool, host="b.test")
    fleet.cut()
    answer = fleet.post("revisions/1/rollback", {"note": "as on Monday"})
    assert (answer["number"], answer["note"], answer["objects_changed"]) == (3, "as on Monday", 5)
    assert answer["author"] == "owner@ours.test"
    assert rows(fleet) == before
    newest = fleet.newest().state
    assert newest["routes"] == served["routes"]
    assert newest["pools"][0]["algorithm"] == "round_robin"
    assert newest["pools"][0]["servers"][0] == {**served["pools"][0]["servers"][0], "key": f"b{backend.pk}2"}
    assert fleet.last_told("n1")["fragments"][0]["state"] == newest
    with platform_scope():
        assert set(HostClaim.objects.values_list("host", flat=True)) == {"a.test"}
    with tenant_scope(fleet.tenant):
        back = Edit.objects.filter(revision__number=3)
        assert sorted(back.values_list("act", "kind")) == [
            ("create", "route"), ("delete", "pool"), ("delete", "route"), ("update", "backend"), ("update", "pool"),
        ]  # fmt: skip
        assert not Edit.objects.filter(revision=None).exists()


def test_a_host_that_is_anothers_by_now_refuses_the_whole(fleet: Fleet, committed: World) -> None:
    pool, _, route = site(fleet)
    fleet.cut()
    with tenant_scope(fleet.tenant):
        routes.delete(route, by=build.actor(), now=timezone.now())
        pools.update(pool, {"name": "market"}, by=build.actor(), now=timezone.now())
    fleet.cut()
    build.route(committed.theirs, host="a.test")
    before = rows(fleet)
    refused = fleet.post("revisions/1/rollback", status=409)
    assert refused["code"] == "not_restored"
    assert "a.test is in use by another account" in refused["detail"]
    assert "Theirs" not in str(refused)
    assert rows(fleet) == before
    assert fleet.newest().number == 2


def test_a_rule_of_now_refuses_what_was_allowed_then(fleet: Fleet, settings: Any) -> None:
    _, backend, _ = site(fleet)
    fleet.cut()
    with tenant_scope(fleet.tenant):
        backends.update(backend, {"address": "10.0.0.9:80"}, by=build.actor(), now=timezone.now())
    fleet.cut()
    settings.DEMO = False  # loopback is nobody's origin now
    refused = fleet.post("revisions/1/rollback", status=422)
    assert refused["errors"][0]["pointer"] == f"/backend/{backend.pk}/address"
    assert "loopback" in refused["detail"]


def test_one_that_changes_nothing_is_a_revision_all_the_same(fleet: Fleet) -> None:
    site(fleet)
    fleet.cut()
    assert fleet.post("revisions/1/rollback")["number"] == 2
    assert fleet.newest().digest == fleet.newest().digest


def test_a_revision_that_is_not_there(fleet: Fleet) -> None:
    fleet.post("revisions/7/rollback", status=404)


def test_a_difference_names_objects_and_text_and_no_secret(fleet: Fleet) -> None:
    pool, backend, _ = site(fleet)
    fleet.cut()
    with tenant_scope(fleet.tenant):
        pools.update(pool, {"check_headers": {"X-Key": "louder"}}, by=build.actor(), now=timezone.now())
        backends.set_weight(backend, 70, by=build.actor(), now=timezone.now())
    fleet.cut()
    found = fleet.get("revisions/2/diff")
    assert (found["revision"], found["against"]) == (2, 1)
    assert [(one["kind"], one["act"], one["name"]) for one in found["objects"]] == [
        ("pool", "update", "shop"), ("backend", "update", "127.0.0.7:80"),
    ]  # fmt: skip
    assert found["objects"][1]["before"] == {"weight": 7}
    assert found["objects"][1]["after"] == {"weight": 70}
    assert "-    server" in found["rendered"]
    assert "+    server" in found["rendered"]
    assert fleet.get("revisions/1/diff?against=2")["objects"][1]["after"] == {"weight": 7}
    assert [one["act"] for one in fleet.get("revisions/1/diff")["objects"]] == ["create"] * 3
    text = fleet.get("revisions/2/config")
    assert f"backend {fleet.tenant.key}_{pool.key}" in text
    assert "a.test" in text
    for said in (text, str(found), str(fleet.get("revisions/1/diff"))):
        assert "hush" not in said
        assert "louder" not in said


def test_what_traffic_does_not_see_belongs_to_the_revision_before(fleet: Fleet) -> None:
    """So that a rollback brings names and descriptions back as well."""
    pool, _, _ = site(fleet)
    fleet.cut()
    with tenant_scope(fleet.tenant):
        pools.update(pool, {"description": "the new shop"}, by=build.actor(), now=timezone.now())
    assert fleet.cut() is None
    with tenant_scope(fleet.tenant):
        pools.update(pool, {"description": "another", "retries": 1}, by=build.actor(), now=timezone.now())
    fleet.cut()
    fleet.post("revisions/1/rollback")
    with tenant_scope(fleet.tenant):
        assert Pool.objects.get(pk=pool.pk).description == "the new shop"


@pytest.mark.parametrize("name", objects.KINDS)
def test_every_column_travels(fleet: Fleet, name: str) -> None:
    """A field that is added to a model is in revisions, differences and rollbacks: this fails where it is not."""
    kept = {field.attname for field in objects.columns_of(objects.KINDS[name])}
    all_of_them = {field.attname for field in objects.KINDS[name]._meta.concrete_fields}
    assert all_of_them - kept == {"updated_at"}


@pytest.mark.parametrize("made", ["pool", "backend", "route"])
def test_a_row_comes_back_the_same(fleet: Fleet, made: str) -> None:
    thing = dict(zip(("pool", "backend", "route"), site(fleet), strict=True))[made]
    with tenant_scope(fleet.tenant):
        row = objects.current()[made][thing.pk]
        again = objects.thing_of(made, row, now=timezone.now())
        stored = objects.KINDS[made]._default_manager.get(pk=thing.pk)
        for field in objects.columns_of(objects.KINDS[made]):
            assert getattr(again, field.attname) == getattr(stored, field.attname), field.attname
