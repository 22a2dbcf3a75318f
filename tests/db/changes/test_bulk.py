"""Many changes in one call: each judged by its own rules, all of it one revision, at the cost of few queries."""

from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from balancer.fleet.models import Edit, HostClaim, Revision
from balancer.models import Backend, Pool, Route
from balancer.queries import objects
from tenants.models import AuditEntry
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.changes.conftest import Fleet


def rows(fleet: Fleet) -> Any:
    with tenant_scope(fleet.tenant):
        return objects.current()


def add(**data: Any) -> dict[str, Any]:
    return {"action": "add", "data": data}


def addresses(pool: Pool, count: int) -> list[dict[str, Any]]:
    return [add(pool=pool.pk, address=f"127.{n // 200}.1.{n % 200 + 1}:80") for n in range(count)]


def test_k5_a_bad_fifth_of_ten_changes_nothing_and_is_named(fleet: Fleet) -> None:
    pool = build.pool(fleet.tenant)
    before = rows(fleet)
    operations = addresses(pool, 10)
    operations[4]["data"]["weight"] = 999
    refused = fleet.post("bulk/backends", {"operations": operations}, status=422)
    assert refused["code"] == "batch_refused"
    assert [error["pointer"] for error in refused["errors"]] == ["/operations/4/data/weight"]
    assert [one["status"] for one in refused["results"]] == ["not_done"] * 4 + ["failed"] + ["not_done"] * 5
    assert rows(fleet) == before


def test_k6_a_bad_route_of_ten_changes_nothing_and_is_named(fleet: Fleet) -> None:
    pool = build.pool(fleet.tenant)
    before = rows(fleet)
    operations = [add(pool=pool.pk, host=f"h{n}.test") for n in range(10)]
    operations[4]["data"]["timeout"] = "soon"
    refused = fleet.post("bulk/routes", {"operations": operations}, status=422)
    assert [error["pointer"] for error in refused["errors"]] == ["/operations/4/data/timeout"]
    assert [one["status"] for one in refused["results"]] == ["not_done"] * 4 + ["failed"] + ["not_done"] * 5
    assert rows(fleet) == before
    del operations[4]["data"]["timeout"]
    assert [one["status"] for one in fleet.post("bulk/routes", {"operations": operations})["results"]] == [
        "created"
    ] * 10
    assert len(rows(fleet)["route"]) == 10


def test_without_atomic_the_others_are_done(fleet: Fleet) -> None:
    pool = build.pool(fleet.tenant)
    operations = addresses(pool, 3)
    operations[1]["data"]["address"] = operations[0]["data"]["address"]
    done = fleet.post("bulk/backends", {"operations": operations, "atomic": False})
    assert [one["status"] for one in done["results"]] == ["created", "failed", "created"]
    assert done["results"][1]["errors"][0]["code"] == "address_taken"
    with tenant_scope(fleet.tenant):
        assert {one["id"] for one in done["results"]} - {None} == set(Backend.objects.values_list("pk", flat=True))


def test_it_is_one_revision_with_an_edit_and_an_audit_entry_each(fleet: Fleet) -> None:
    pool = build.pool(fleet.tenant)
    fleet.cut()
    done = fleet.post("bulk/backends", {"operations": addresses(pool, 40)})
    assert done["change"]["state"] == "pending"
    made = fleet.cut()
    assert made is not None
    assert made.number == 2
    with tenant_scope(fleet.tenant):
        assert Edit.objects.filter(revision=made, kind="backend", act="create").count() == 40
    with platform_scope():
        mine = AuditEntry.objects.filter(tenant_id=fleet.tenant.pk, act="backend.create")
        assert mine.count() == 40
        assert mine[0].actor == "owner@ours.test"


def test_a_chain_of_many_entries_is_unbroken(fleet: Fleet) -> None:
    pool = build.pool(fleet.tenant)
    fleet.post("bulk/backends", {"operations": addresses(pool, 30)})
    with platform_scope():
        entries = list(AuditEntry.objects.filter(tenant_id=fleet.tenant.pk).order_by("id"))
        assert len({entry.previous for entry in entries}) == len(entries) > 30
        for one, following in pairwise(entries):
            assert following.previous == one.digest


def test_the_cost_is_not_the_operations(fleet: Fleet, committed: World) -> None:
    def asked(count: int, host: str) -> int:
        operations: list[dict[str, Any]] = [
            {"kind": "pool", "action": "add", "ref": f"{host}{n}", "data": {"name": f"{host} {n}"}}
            for n in range(count)
        ] + [
            {"kind": kind, "action": "add", "data": {"pool": f"ref:{host}{n}", **data}}
            for n in range(count)
            for kind, data in (
                ("backend", {"address": "127.0.0.1:80"}), ("route", {"host": f"{host}{n}.test"}),
            )
        ]  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            fleet.post("bulk", {"operations": operations})
        return len([one for one in queries if "set_config" not in one["sql"]])

    asked(1, "w")
    few, many = asked(1, "a"), asked(40, "b")
    assert many == few
    with tenant_scope(fleet.tenant):
        assert Route.objects.count() == 42
        assert Pool.objects.get(name="b 7").backends.count() == 1
    with platform_scope():
        assert HostClaim.objects.filter(tenant=fleet.tenant).count() == 42


def test_a_dry_run_checks_everything_and_keeps_nothing(fleet: Fleet) -> None:
    pool = build.pool(fleet.tenant)
    before = rows(fleet)
    with platform_scope():
        edits = Edit.objects.count()
    done = fleet.post("bulk/backends", {"operations": addresses(pool, 3), "dry_run": True})
    assert [one["status"] for one in done["results"]] == ["created"] * 3
    assert (done["change"], done["dry_run"]) == (None, True)
    build.backend(fleet.tenant, pool, address="127.0.1.1:80")
    refused = fleet.post("bulk/backends", {"operations": addresses(pool, 3), "dry_run": True}, status=409)
    assert refused["errors"][0]["code"] == "address_taken"
    with platform_scope():
        assert Edit.objects.count() == edits + 1
    assert len(rows(fleet)["backend"]) == len(before["backend"]) + 1


def test_updates_and_deletions_go_by_id(fleet: Fleet) -> None:
    pool = build.pool(fleet.tenant, name="shop", retries=1)
    other = build.pool(fleet.tenant, name="other")
    build.backend(fleet.tenant, other)
    done = fleet.post("bulk/pools", {"operations": [
        {"action": "update", "id": pool.pk, "data": {"name": "market", "health_check": {"interval": "9s"}}},
        {"action": "delete", "id": other.pk},
        {"action": "add", "data": {"name": "shop"}},
        {"action": "update", "id": pool.pk, "data": {"name": "market"}},
    ]})  # fmt: skip
    assert [one["status"] for one in done["results"]] == ["updated", "deleted", "created", "unchanged"]
    with tenant_scope(fleet.tenant):
        stored = Pool.objects.get(pk=pool.pk)
        assert (stored.name, stored.check_interval_ms, stored.retries) == ("market", 9000, 1)
        assert not Backend.objects.exists()


def test_a_pool_that_a_route_needs_stays(fleet: Fleet) -> None:
    pool = build.pool(fleet.tenant)
    route = build.route(fleet.tenant, pool)
    gone = {"kind": "pool", "action": "delete", "id": pool.pk}
    refused = fleet.post("bulk", {"operations": [gone]}, status=409)
    assert refused["errors"][0]["code"] == "pool_in_use"
    fleet.post("bulk", {"operations": [gone, {"kind": "route", "action": "delete", "id": route.pk}]})
    assert rows(fleet)["pool"] == {}


def test_the_plans_limit_holds_for_all_of_them(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = build.pool(fleet.tenant)
    operations = [add(pool=pool.pk, host=f"h{n}.test") for n in range(51)]
    refused = fleet.post("bulk/routes", {"operations": operations}, status=402)
    assert (refused["code"], refused["limit"]) == ("limit_reached", 50)
    assert rows(fleet)["route"] == {}


def test_anothers_objects_and_hosts_are_not_there(fleet: Fleet, committed: World) -> None:
    theirs = build.pool(committed.theirs)
    build.route(committed.theirs, theirs, host="a.test")
    refused = fleet.post("bulk/backends", {"operations": [add(pool=theirs.pk, address="127.0.0.1:80")]}, status=422)
    assert refused["errors"][0]["code"] == "unknown_pool"
    fleet.post("bulk/pools", {"operations": [{"action": "delete", "id": theirs.pk}]}, status=404)
    mine = build.pool(fleet.tenant)
    refused = fleet.post("bulk/routes", {"operations": [add(pool=mine.pk, host="a.test")]}, status=409)
    assert refused["code"] == "host_taken"
    assert rows(fleet)["route"] == {}


def test_the_last_ready_backend_stays(fleet: Fleet) -> None:
    backend = build.backend(fleet.tenant)
    away = {"action": "update", "id": backend.pk, "data": {"admin": "maint"}}
    refused = fleet.post("bulk/backends", {"operations": [away]}, status=409)
    assert refused["errors"][0]["code"] == "last_backend"
    done = fleet.post("bulk/backends", {"operations": [add(pool=backend.pool_id, address="127.0.0.9:80"), away]})
    assert [one["status"] for one in done["results"]] == ["created", "updated"]


def test_a_key_sent_twice_is_done_once(fleet: Fleet) -> None:
    body = {"operations": [add(name="shop")]}
    first, again = (fleet.api.post("/api/bulk/pools", body, **{"Idempotency-Key": "k" * 20}) for _ in range(2))
    assert first.json() == again.json()
    with tenant_scope(fleet.tenant):
        assert Pool.objects.count() == 1


@pytest.mark.parametrize("many", [0, 1001])
def test_a_call_has_one_to_a_thousand(fleet: Fleet, many: int) -> None:
    fleet.post("bulk/pools", {"operations": [add(name=f"p{n}") for n in range(many)]}, status=422)
    with tenant_scope(fleet.tenant):
        assert not Revision.objects.exists()


def test_what_is_staged_waits_whole(fleet: Fleet) -> None:
    fleet.api.put("/api/delivery", {"deploy": "staged"})
    done = fleet.post("bulk/pools", {"operations": [add(name="a"), add(name="b")]})
    assert done["change"]["state"] == "saved"
    assert fleet.get("changes")["total_count"] == 2
