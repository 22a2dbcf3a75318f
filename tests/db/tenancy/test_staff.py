"""Staff's pages: tenants with their numbers, acts on several, plans, and looking as somebody else."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from balancer.fleet.models import Edit, HostClaim
from balancer.live import passes, watch
from balancer.live.passes import Shown
from balancer.models import Backend, Pool, Route
from billing.models import Plan, Subscription
from tenants.admin_tenants import COUNTS
from tenants.models import AuditEntry, Membership, Tenant, User
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tenants.services import impersonation
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db
TENANTS = "/staff/tenants/tenant/"


@pytest.fixture
def staff(world: World) -> Client:
    client = Client()
    client.force_login(build.staff(email="staff@veloflux.test"))
    return client


def look_as(staff: Client, person: User, tenant: Tenant) -> Any:
    form = {"tenant": tenant.pk, "reason": "Ticket 7: a route that does not answer"}
    return staff.post(f"/staff/tenants/user/{person.pk}/impersonate/", form)


def acts(tenant: Tenant, act: str) -> list[AuditEntry]:
    with platform_scope():
        return list(AuditEntry.objects.filter(tenant_id=tenant.pk, act=act).order_by("id"))


def test_g19_several_are_suspended_with_one_reason_and_activated(world: World, staff: Client) -> None:
    chosen = {"_selected_action": [world.ours.pk, world.theirs.pk]}
    asked = staff.post(TENANTS, {"action": "suspend", **chosen})
    assert "Their sites will answer 503" in asked.content.decode()
    assert Tenant.objects.filter(status="suspended").count() == 0
    staff.post(TENANTS, {"action": "suspend", **chosen, "apply": "1", "reason": "The invoice of May"})
    assert set(Tenant.objects.values_list("status", "suspended_reason")) == {("suspended", "The invoice of May")}
    with platform_scope():
        assert Edit.objects.filter(kind="tenant", after={"status": "suspended"}).count() == 2
    assert acts(world.ours, "tenant.suspend")[0].actor == "staff@veloflux.test"
    staff.post(TENANTS, {"action": "activate", **chosen})
    assert set(Tenant.objects.values_list("status", flat=True)) == {"active"}


def test_g19_the_csv_equals_the_database_and_runs_no_formula(world: World, staff: Client) -> None:
    Tenant.objects.filter(pk=world.theirs.pk).update(name="=HYPERLINK(evil)")
    build.route(world.ours)
    answer = staff.post(TENANTS, {"action": "as_csv", "_selected_action": [world.ours.pk, world.theirs.pk]})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    rows = {row["slug"]: row for row in csv.DictReader(io.StringIO(text))}
    assert rows["theirs"]["name"] == "'=HYPERLINK(evil)"
    ours = rows["ours"]
    assert (ours["plan"], ours["members"], ours["pools"], ours["routes"], ours["hosts"]) == ("pro", "2", "1", "1", "1")


def test_g19_several_are_moved_to_another_plan(world: World, staff: Client) -> None:
    chosen = {"_selected_action": [world.ours.pk, world.theirs.pk]}
    asked = staff.post(TENANTS, {"action": "move_to_plan", **chosen}).content.decode()
    assert "The plan&#x27;s limits count at once" in asked
    assert '<option value="business">' in asked
    refused = staff.post(TENANTS, {"action": "move_to_plan", **chosen, "apply": "1", "plan": "no such plan"})
    assert "Select a valid choice" in refused.content.decode()
    with platform_scope():
        assert set(Subscription.objects.values_list("plan", flat=True)) == {"pro"}
    staff.post(TENANTS, {"action": "move_to_plan", **chosen, "apply": "1", "plan": "business"})
    with platform_scope():
        assert set(Subscription.objects.values_list("plan", flat=True)) == {"business"}
        assert Edit.objects.filter(kind="tenant", after={"plan": "business"}).count() == 2
    assert acts(world.theirs, "tenant.plan")[0].actor == "staff@veloflux.test"


def test_g19_the_lists_numbers_are_the_databases(world: World, staff: Client) -> None:
    pool = build.pool(world.ours)
    for number in range(3):
        build.backend(world.ours, pool, address=f"10.0.0.{number + 1}:80")
    build.route(world.ours, pool)
    build.route(world.theirs)
    page = staff.get(TENANTS).content.decode()
    for tenant in (world.ours, world.theirs):
        line = re.search(rf"<tr>(?:(?!</tr>).)*/{tenant.pk}/change/(?:(?!</tr>).)*</tr>", page, re.DOTALL)
        assert line
        seen = {name: int(re.search(rf'class="field-{name}">(\d+)<', line[0])[1]) for name in COUNTS}  # type: ignore[index]
        with platform_scope():
            members = Membership.objects.filter(tenant=tenant).count()
            hosts = HostClaim.objects.filter(tenant=tenant).count()
        with tenant_scope(tenant):
            rows = (Pool.objects.count(), Backend.objects.count(), Route.objects.count())
        assert tuple(seen.values()) == (members, *rows, hosts)


def test_i8_another_plan_and_other_limits_become_edits(world: World, staff: Client) -> None:
    staff.post(f"/staff/billing/subscription/{world.ours.pk}/change/", {"plan": "basic"})
    with platform_scope():
        assert Subscription.objects.get(tenant=world.ours).plan_id == "basic"
        assert Edit.objects.get(tenant=world.ours, kind="tenant").after == {"plan": "basic"}
        plan = Plan.objects.get(pk="basic")
    form = {name: value for name, value in vars(plan).items() if value is not None and not name.startswith("_")}
    changed = staff.post("/staff/billing/plan/basic/change/", {**form, "requests_per_second": 123})
    assert changed.status_code == 302, changed.content.decode()[:3000]
    with platform_scope():
        newest = Edit.objects.filter(tenant=world.ours, kind="tenant").latest("id")
        assert newest.after == {"requests_per_second": 123}
        assert not Edit.objects.filter(tenant=world.theirs, kind="tenant").exists()
    assert acts(world.ours, "tenant.plan")[0].before == {"plan": "pro"}


def test_f16_staff_look_as_a_person_and_nothing_can_be_changed(world: World, staff: Client) -> None:
    person = build.member(world.ours, Role.ADMIN)
    build.join(person, world.theirs, Role.ADMIN)
    assert look_as(staff, person, world.ours).headers["Location"] == "/t/ours/"
    page = staff.get("/t/ours/members")
    assert 'data-testid="banner-impersonation"' in page.content.decode()
    assert staff.get("/t/theirs/").status_code == 404  # one tenant, whatever else the person belongs to
    assert staff.get("/api/tenants/ours/pools").status_code == 200
    for refused in (
        staff.post("/t/ours/pools/new", {"name": "x"}),
        staff.post("/api/tenants/ours/pools", {"name": "x"}, content_type="application/json"),
        staff.post("/preferences", {"theme": "dark"}),
        staff.post("/api/auth/logout", {}, content_type="application/json"),
    ):
        assert refused.status_code == 403
    seen = acts(world.ours, "impersonation.request")
    assert [(entry.name, entry.outcome) for entry in seen][:2] == [
        ("GET /t/ours/members", "done"), ("GET /t/theirs/", "done"),
    ]  # fmt: skip
    assert {entry.outcome for entry in seen if entry.name.startswith("POST")} == {"refused"}
    assert {(entry.actor, entry.impersonator) for entry in seen} == {(person.email, "staff@veloflux.test")}
    begun = acts(world.ours, "impersonation.begin")[0]
    assert (begun.actor, begun.detail) == ("staff@veloflux.test", "Ticket 7: a route that does not answer")
    assert staff.post("/impersonation/end").status_code == 302
    assert "banner-impersonation" not in staff.get("/t/ours/").content.decode()
    assert len(acts(world.ours, "impersonation.end")) == 1


@pytest.mark.parametrize("end", ["stopped", "another", "signed out"])
def test_f16_what_was_opened_while_looking_closes_when_that_ends(world: World, staff: Client, end: str) -> None:
    """The watch asks every two seconds."""
    look_as(staff, world.viewer, world.ours)
    key = staff.cookies["sessionid"].value
    shown = Shown(protocols=(), ticket=None, tenant="ours", session_key=key, host="testserver")
    opened = passes.of_socket(shown, now=timezone.now())
    assert watch.withdrawn([opened], now=timezone.now()) == {}
    match end:
        case "stopped":
            assert staff.post("/impersonation/end").status_code == 302
        case "another":
            staff.post("/impersonation/end")
            look_as(staff, build.member(world.ours, Role.ADMIN), world.ours)
        case _:
            staff.post("/impersonation/end")
            staff.post("/logout")
    assert watch.withdrawn([opened], now=timezone.now()) == {opened: watch.SIGN_IN}


def test_f16_looking_as_somebody_ends_by_itself_and_with_what_it_leans_on(
    world: World, staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_as(staff, world.viewer, world.ours)
    assert "banner-impersonation" in staff.get("/t/ours/").content.decode()
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + impersonation.LASTS + timedelta(seconds=1))
    assert "banner-impersonation" not in staff.get("/t/ours/").content.decode()
    monkeypatch.undo()
    look_as(staff, world.viewer, world.ours)
    Membership.objects.filter(user=world.viewer).delete()
    assert staff.get("/t/ours/").status_code == 404
    User.objects.filter(email="staff@veloflux.test").update(is_staff=False)
    assert "banner-impersonation" not in staff.get("/").content.decode()


def test_f16_nobody_looks_as_staff_nor_without_a_reason_nor_without_being_staff(world: World, staff: Client) -> None:
    other = build.join(build.staff(), world.ours, Role.VIEWER)
    assert look_as(staff, other, world.ours).status_code == 200  # the form again
    assert "banner-impersonation" not in staff.get("/t/ours/").content.decode()
    path = f"/staff/tenants/user/{world.viewer.pk}/impersonate/"
    assert staff.post(path, {"tenant": world.ours.pk, "reason": " "}).status_code == 200
    assert staff.post(path, {"tenant": world.theirs.pk, "reason": "not a member there"}).status_code == 200
    assert acts(world.ours, "impersonation.begin") == acts(world.theirs, "impersonation.begin") == []
    owner = Client()
    owner.force_login(world.owner)
    assert owner.post(path, {"tenant": world.ours.pk, "reason": "curious"}).status_code == 302  # to staff's login
    assert acts(world.ours, "impersonation.begin") == []


def test_f10_staffs_pages_change_no_membership_by_themselves(world: World, staff: Client) -> None:
    place = Membership.objects.get(user=world.owner)
    staff.post(f"/staff/tenants/membership/{place.pk}/change/", {"role": "viewer"})
    staff.post(f"/staff/tenants/membership/{place.pk}/delete/", {"post": "yes"})
    assert Membership.objects.get(user=world.owner).role == "owner"
