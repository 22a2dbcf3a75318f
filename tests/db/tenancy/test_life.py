"""Rename, suspend, activate, delete, restore, purge: what each leaves behind, and what goes on."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from balancer.fleet.models import Edit, HostClaim, Revision, Snapshot
from balancer.queries import desired_state
from balancer.services import revisions
from billing.services import subscriptions
from tenants.actor import SYSTEM
from tenants.errors import Conflict, InvalidField
from tenants.models import AuditEntry, FormerSlug, Tenant, TenantStatus
from tenants.queries import directory, schemas
from tenants.scope import platform_scope, tenant_scope
from tenants.services.tenancy import slugs, tenancy, tenant_life
from tests import build
from tests.conftest import World

NOW = timezone.now()


def newest(tenant: Tenant) -> dict[str, Any]:
    """What the nodes are told of it now."""
    with tenant_scope(tenant):
        revisions.cut(tenant.pk, now=NOW)
    with platform_scope():
        state: dict[str, Any] = Snapshot.objects.get(tenant=tenant).state or {}
    return state


def rename(tenant: Tenant, slug: str, *, name: str = "Renamed") -> Tenant:
    return tenancy.rename(tenant, name=name, slug=slug, by=build.actor(), now=timezone.now())


@pytest.mark.django_db
def test_g1_a_former_slug_still_names_the_tenant(world: World) -> None:
    old = world.ours.slug
    rename(world.ours, "fresh-name")
    client = build.api(world.owner)
    for slug in (old, "fresh-name", world.ours.pk):
        answer = client.get(f"/api/tenants/{slug}").json()
        assert (answer["id"], answer["slug"], answer["name"]) == (world.ours.pk, "fresh-name", "Renamed")


@pytest.mark.django_db
def test_g1_nobody_else_gets_a_former_slug_until_its_year_is_over(world: World) -> None:
    old = world.ours.slug
    rename(world.ours, "fresh-name")
    with pytest.raises(Conflict):
        rename(world.theirs, old)
    made = build.api(world.their_owner).post("/api/tenants", {"name": "x", "slug": old})
    assert (made.status_code, made.json()["code"]) == (409, "taken")
    with platform_scope():
        FormerSlug.objects.filter(slug=old).update(until=timezone.now() - timedelta(seconds=1))
    assert rename(world.theirs, old).slug == old


@pytest.mark.django_db
def test_g1_its_own_former_slug_a_tenant_may_have_again(world: World) -> None:
    old = world.ours.slug
    rename(world.ours, "fresh-name")
    assert rename(world.ours, old).slug == old
    with platform_scope():
        kept = FormerSlug.objects.get(tenant=world.ours)
    assert (kept.slug, kept.until > timezone.now() + slugs.KEPT - timedelta(minutes=1)) == ("fresh-name", True)


@pytest.mark.django_db
def test_g1_a_page_under_a_former_slug_leads_to_the_new_one(world: World) -> None:
    from django.test import Client

    browser = Client()
    browser.force_login(world.owner)
    old = world.ours.slug
    rename(world.ours, "fresh-name")
    answer = browser.get(f"/t/{old}/pools?page=2")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/t/fresh-name/pools?page=2")
    other = Client()
    other.force_login(world.their_owner)
    assert other.get(f"/t/{old}/pools").status_code == 404


@pytest.mark.parametrize("slug", ["Upper", "a--b", "-a", "staff", "x" * 41, ""])
@pytest.mark.django_db
def test_g1_a_slug_is_checked_when_it_is_changed_too(world: World, slug: str) -> None:
    with pytest.raises(InvalidField):
        rename(world.ours, slug)


def test_g1_a_suspension_an_activation_and_a_plan_are_cut_into_revisions(committed: World) -> None:
    tenant = committed.ours
    build.route(tenant, host="life.test")
    assert newest(tenant)["suspended"] is False
    tenant_life.suspend(tenant, reason="unpaid", by=SYSTEM, now=NOW)
    assert newest(tenant)["suspended"] is True
    tenant_life.activate(tenant, by=SYSTEM, now=NOW)
    assert newest(tenant)["suspended"] is False
    subscriptions.change(tenant, plan="basic", by=SYSTEM, now=NOW)
    assert (newest(tenant)["rps"], newest(tenant)["burst"]) == (100, 200)
    subscriptions.change(tenant, plan="pro", by=SYSTEM, now=NOW)
    assert newest(tenant)["rps"] == 1000
    with platform_scope():
        assert Revision.objects.filter(tenant=tenant).count() == 5
        told = list(Edit.objects.filter(tenant=tenant, kind="tenant").order_by("id").values_list("after", flat=True))
    assert told == [{"status": "suspended"}, {"status": "active"}, {"plan": "basic"}, {"plan": "pro"}]


def test_g1_a_deleted_tenant_routes_nothing_and_comes_back_as_it_was(committed: World) -> None:
    tenant = committed.ours
    build.route(tenant, host="life.test")
    tenant_life.suspend(tenant, reason="unpaid", by=SYSTEM, now=NOW)
    tenant_life.delete(tenant, by=SYSTEM, now=NOW)
    state = newest(tenant)
    assert (state["routes"], state["pools"]) == ([], [])
    restored = tenant_life.restore(tenant, by=SYSTEM, now=NOW)
    assert restored.status == TenantStatus.SUSPENDED  # deleting it is no way out of a suspension
    state = newest(tenant)
    assert (len(state["routes"]), state["suspended"]) == (1, True)
    tenant_life.activate(tenant, by=SYSTEM, now=NOW)


def test_g1_after_its_grace_a_tenant_is_purged_and_not_before(committed: World) -> None:
    tenant = build.tenant("Gone soon")
    build.route(tenant, host="gone.test")
    newest(tenant)
    tenant_life.delete(tenant, by=SYSTEM, now=NOW)
    newest(tenant)
    with platform_scope():
        before = Snapshot.objects.get(tenant=tenant.pk).generation
        assert tenant_life.purge_due(now=NOW + tenant_life.GRACE - timedelta(seconds=1)) == 0
        assert tenant_life.purge_due(now=NOW + tenant_life.GRACE) == 1
        assert not Tenant.objects.filter(pk=tenant.pk).exists()
        assert not schemas.exists(tenant.schema_name)
        assert not HostClaim.objects.filter(host="gone.test").exists()
        tombstone = Snapshot.objects.get(tenant=tenant.pk)
        assert (tombstone.state, tombstone.generation) == (None, before + 1)
        acts = AuditEntry.objects.filter(tenant_id=tenant.pk).values_list("act", flat=True)
        assert {"tenant.delete", "tenant.purge"} <= set(acts)
        Snapshot.objects.filter(tenant=tenant.pk).delete()
    build.route(committed.theirs, host="gone.test")  # the host is free


def test_g1_a_restored_tenant_is_not_purged(committed: World) -> None:
    tenant = build.tenant("Back again")
    tenant_life.delete(tenant, by=SYSTEM, now=NOW)
    tenant_life.restore(tenant, by=SYSTEM, now=NOW)
    with platform_scope():
        tenant.refresh_from_db()
        assert tenant_life.purge_due(now=NOW + 2 * tenant_life.GRACE) == 0
        assert tenant_life.purge(tenant, now=NOW + 2 * tenant_life.GRACE) is False


@pytest.mark.django_db
def test_g1_what_is_deleted_is_seen_by_its_owners_only(world: World) -> None:
    tenant_life.delete(world.ours, by=SYSTEM, now=NOW)
    owner, viewer = build.api(world.owner, world.ours), build.api(world.viewer, world.ours)
    assert viewer.get(f"/api/tenants/{world.ours.slug}/pools").status_code == 404
    assert owner.get("/api/pools").status_code == 200
    refused = owner.post("/api/pools", {"name": "late"})
    assert (refused.status_code, refused.json()["code"]) == (403, "deleted")


@pytest.mark.django_db
def test_b10_another_process_sees_a_change_within_half_a_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process is this one, which has remembered the tenant and is told nothing but by Redis."""
    assert directory.by_name(world.ours.slug) is not None
    Tenant.objects.filter(pk=world.ours.pk).update(status="suspended")
    found = directory.by_name(world.ours.slug)
    assert found is not None
    assert found.status == "active"  # it is remembered
    monkeypatch.setattr(directory, "forget", lambda: None)
    directory.forget_everywhere()
    monkeypatch.undo()
    monkeypatch.setattr(directory, "LOOK_EVERY", 0.0)
    found = directory.by_name(world.ours.slug)
    assert found is not None
    assert found.status == "suspended"


@pytest.mark.django_db
def test_b10_what_was_read_before_a_change_is_not_kept_after_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = directory._look

    def slow(kind: str, value: str) -> Tenant | None:
        found = real(kind, value)
        directory.forget_everywhere()  # the change is committed while the old row is on its way
        return found

    directory.forget()
    monkeypatch.setattr(directory, "_look", slow)
    directory.by_name(world.ours.slug)
    monkeypatch.undo()
    Tenant.objects.filter(pk=world.ours.pk).update(name="Changed")
    found = directory.by_name(world.ours.slug)
    assert found is not None
    assert found.name == "Changed"


@pytest.mark.django_db
def test_a_deleted_tenants_desired_state_is_empty_whatever_its_rows(world: World) -> None:
    build.route(world.ours)
    Tenant.objects.filter(pk=world.ours.pk).update(status=TenantStatus.DELETED)
    with tenant_scope(world.ours):
        assert desired_state.of(Tenant.objects.get(pk=world.ours.pk)).routes == ()
