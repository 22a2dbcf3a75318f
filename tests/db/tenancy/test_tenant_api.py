"""/api/tenants and /api/tenants/{t}: every role against every act, and what staff are told."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from balancer.models import Backend, Pool, Route
from tenants.actor import SYSTEM
from tenants.models import AuditEntry, Membership, SignIn, Tenant
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tenants.services.tenancy import tenant_life
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db
ACTS: list[tuple[str, str, Any]] = [
    ("GET", "", None),
    ("PUT", "", {"name": "New name", "slug": "new-name"}),
    ("DELETE", "", {"confirm": "ours"}),
    ("POST", "/suspend", {"reason": "unpaid"}),
    ("POST", "/activate", None),
    ("POST", "/restore", None),
]
# What each may: the codes of ACTS in order. An owner's restore finds nothing deleted.
CODES = {
    "owner": [200, 200, 200, 403, 403, 409],
    "admin": [200, 403, 403, 403, 403, 403],
    "operator": [200, 403, 403, 403, 403, 403],
    "viewer": [200, 403, 403, 403, 403, 403],
    "billing": [200, 403, 403, 403, 403, 403],
    "staff": [200, 200, 200, 200, 200, 409],
    "stranger": [404] * 6,
    "nobody": [401] * 6,
}


def client_of(world: World, who: str) -> build.Api:
    match who:
        case "nobody":
            return build.api()
        case "stranger":
            return build.api(world.their_owner)
        case "staff":
            return build.api(build.staff())
    return build.api(build.member(world.ours, Role(who)), world.ours)


@pytest.mark.parametrize("index", range(len(ACTS)))
@pytest.mark.parametrize("who", CODES)
def test_f10_each_act_on_a_tenant_answers_each_role_with_its_code(world: World, who: str, index: int) -> None:
    method, path, body = ACTS[index]
    client, before = client_of(world, who), Tenant.objects.get(pk=world.ours.pk)
    answer = client(method, f"/api/tenants/{world.ours.slug}{path}", body)
    assert answer.status_code == CODES[who][index], answer.content
    after = Tenant.objects.get(pk=world.ours.pk)
    changed = (before.name, before.slug, before.status) != (after.name, after.slug, after.status)
    assert changed == (answer.status_code == 200 and method != "GET" and path != "/activate")


def test_g1_a_suspension_says_why_to_the_tenant(world: World) -> None:
    path = f"/api/tenants/{world.ours.slug}"
    staff = build.api(build.staff(email="staff@veloflux.test"))
    assert staff.post(f"{path}/suspend", {"reason": ""}).status_code == 422
    assert staff.post(f"{path}/suspend", {"reason": "The invoice of May"}).json()["status"] == "suspended"
    shown = build.api(world.viewer).get(path).json()
    assert (shown["status"], shown["suspended_reason"]) == ("suspended", "The invoice of May")
    assert build.api(world.owner).post("/api/tenants/ours/pools", {"name": "x"}).json()["code"] == "suspended"
    assert staff.post(f"{path}/activate").json()["suspended_reason"] == ""
    assert build.api(world.owner).post("/api/tenants/ours/pools", {"name": "x"}).status_code == 201
    with platform_scope():
        acts = dict(AuditEntry.objects.filter(tenant_id=world.ours.pk).values_list("act", "actor"))
    assert acts["tenant.suspend"] == acts["tenant.activate"] == "staff@veloflux.test"


def test_g1_a_deletion_needs_the_slug_and_a_fresh_proof(world: World) -> None:
    owner, path = build.api(world.owner, world.ours), f"/api/tenants/{world.ours.slug}"
    assert owner.delete(path).status_code == 422
    assert owner("DELETE", path, {"confirm": "theirs"}).json()["code"] == "not_confirmed"
    with platform_scope():
        SignIn.objects.filter(user=world.owner).update(proven_at=timezone.now() - timedelta(hours=1))
    assert owner("DELETE", path, {"confirm": "ours"}).json()["code"] == "reauthentication_required"
    assert Tenant.objects.get(pk=world.ours.pk).status == "active"
    fresh = build.api(world.owner, world.ours)
    deleted = fresh("DELETE", path, {"confirm": "ours"}).json()
    assert deleted["status"] == "deleted"
    assert Tenant.objects.get(pk=world.ours.pk).purge_at == pytest.approx(
        timezone.now() + tenant_life.GRACE, abs=timedelta(minutes=1)
    )
    assert fresh.post(f"{path}/restore").json()["status"] == "active"


def test_f16_making_another_tenant_is_in_its_trail(world: World) -> None:
    made = build.api(world.owner, world.ours).post("/api/tenants", {"name": "Second"}).json()
    with platform_scope():
        row = AuditEntry.objects.get(tenant_id=made["id"], act="tenant.create")
    assert (row.actor, row.after["slug"], row.after["plan"]) == (world.owner.email, "second", "free")


def test_g1_an_older_reading_renames_nothing(world: World) -> None:
    owner, path = build.api(world.owner), f"/api/tenants/{world.ours.slug}"
    read = owner.get(path)
    assert owner.put(path, {"name": "One", "slug": "ours"}).status_code == 200
    stale = owner.put(path, {"name": "Two", "slug": "ours"}, **{"If-Match": read.headers["ETag"]})
    assert stale.status_code == 412
    assert owner.put(path, {**owner.get(path).json(), "name": "Three"}).json()["name"] == "Three"
    assert owner.put(path, {"name": "Four", "slug": "ours", "schema_name": "x"}).status_code == 422


def test_g19_staffs_list_equals_the_database(world: World) -> None:
    build.route(world.ours, host="stats.test")
    build.backend(world.ours)
    rows = build.api(build.staff()).get("/api/tenants").json()["items"]
    assert {row["id"] for row in rows} == set(Tenant.objects.values_list("pk", flat=True))
    for row in rows:
        tenant = Tenant.objects.get(pk=row["id"])
        with tenant_scope(tenant):
            counted = {
                "pools": Pool.objects.count(),
                "backends": Backend.objects.count(),
                "routes": Route.objects.count(),
            }
        members = Membership.objects.filter(tenant=tenant).count()
        hosts = tenant.hosts.count()
        assert row["stats"] == {"plan": "pro", **counted, "members": members, "hosts": hosts}


def test_g19_staff_filter_search_and_page_in_a_fixed_number_of_queries(world: World) -> None:
    staff = build.api(build.staff())
    tenant_life.suspend(world.theirs, reason="x", by=SYSTEM, now=timezone.now())
    for query in ("status=suspended", f"search={world.theirs.pk}", "slug=theirs"):
        assert [row["slug"] for row in staff.get(f"/api/tenants?{query}").json()["items"]] == ["theirs"]
    assert staff.get("/api/tenants?plan=free").json()["total_count"] == 0
    assert staff.get("/api/tenants?plan=pro").json()["total_count"] == 2
    with CaptureQueriesContext(connection) as few:
        staff.get("/api/tenants?page_size=1")
    with CaptureQueriesContext(connection) as many:
        staff.get("/api/tenants?page_size=50")
    assert len(few) == len(many)


def test_g1_others_see_their_own_tenants_without_staffs_numbers(world: World) -> None:
    rows = build.api(world.owner).get("/api/tenants").json()["items"]
    assert [(row["slug"], row["role"], row["stats"]) for row in rows] == [("ours", "owner", None)]
    Membership.objects.filter(user=world.viewer).update(suspended_at=timezone.now())
    assert build.api(world.viewer).get("/api/tenants").json()["items"] == []
