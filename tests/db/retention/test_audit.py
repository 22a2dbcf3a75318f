"""What is old leaves the audit trail from the beginning of a chain, and the rest still verifies."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from tenants.actor import SYSTEM
from tenants.models import AuditEntry, Tenant
from tenants.queries import audit_chain
from tenants.scope import platform_scope, tenant_scope
from tenants.services.trail import audit, retention
from tests import build
from tests.conftest import World

django_db = pytest.mark.django_db
NOW = timezone.now()


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def write(tenant: Tenant | None, *days: float) -> list[int]:
    return [int(audit.record("thing.done", by=SYSTEM, now=ago(one), tenant=tenant).pk) for one in days]


def kept(tenant: Tenant | None) -> list[int]:
    with platform_scope():
        rows = AuditEntry.objects.filter(tenant_id=tenant.pk if tenant else "", act="thing.done").order_by("pk")
        return list(rows.values_list("pk", flat=True))


def walked(tenant: Tenant | None) -> audit_chain.Walked:
    with platform_scope():
        return next(audit_chain.walk(tenant.pk if tenant else ""))


def begin(plan: str = "pro") -> Tenant:
    """A tenant whose trail holds nothing yet: `build` writes no entry for it."""
    made = build.tenant(plan=plan)
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tenants_auditentry DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM tenants_auditentry WHERE tenant_id = %s", [made.pk])
        cursor.execute("ALTER TABLE tenants_auditentry ENABLE TRIGGER USER")
    return made


def forget(now: datetime = NOW, **values: Any) -> int:
    with platform_scope():
        return retention.forget_old(now=now, **values)


@django_db
@pytest.mark.parametrize(("plan", "days"), [("free", 30), ("pro", 30), ("business", 90)])
def test_f16_a_plans_days_are_kept_thirty_at_least_and_the_chain_verifies(world: World, plan: str, days: int) -> None:
    tenant = begin(plan)
    old, young = write(tenant, days + 20, days + 1), write(tenant, days - 1, 0.1)
    forget()
    assert kept(tenant) == young
    assert walked(tenant).broken is None
    more = write(tenant, 0)
    assert (walked(tenant).broken, walked(tenant).entries) == (None, 3)
    assert forget() == 0
    assert kept(tenant) == young + more
    assert not set(old) & set(kept(tenant))


@django_db
def test_f16_the_newest_entry_stays_and_is_followed(world: World) -> None:
    tenant = begin()
    *_, last = write(tenant, 400, 300, 200)
    forget()
    assert kept(tenant) == [last]
    write(tenant, 0)
    assert (walked(tenant).broken, walked(tenant).entries) == (None, 2)
    forget()
    assert walked(tenant).entries == 1


@django_db
def test_f16_the_platforms_own_trail_has_its_own_days(world: World, settings: Any) -> None:
    settings.AUDIT_DAYS = 200
    write(None, 300, 201)
    young = write(None, 199, 1)
    forget()
    assert kept(None) == young
    assert walked(None).broken is None


@django_db
def test_f16_it_goes_a_batch_at_a_time_and_only_from_the_beginning(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that went back puts an old entry behind a young one: it waits until that is old too."""
    tenant = begin()
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    ids = write(tenant, 100, 99, 98, 97, 5, 96, 1)
    assert forget(most=3) == 3
    assert kept(tenant) == ids[3:]
    assert walked(tenant).broken is None
    assert forget() == 1
    assert kept(tenant) == ids[4:]
    assert forget() == 0
    assert walked(tenant).broken is None


@django_db
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM tenants_auditentry WHERE tenant_id = %(t)s",
        "DELETE FROM tenants_auditentry WHERE id = %(first)s",
        "UPDATE audit_anchor SET last_id = %(young)s WHERE tenant_id = %(t)s",
        "INSERT INTO audit_anchor SELECT tenant_id, id, digest FROM tenants_auditentry WHERE id = %(young)s",
        "INSERT INTO audit_anchor SELECT tenant_id, id, digest FROM tenants_auditentry WHERE id = %(behind)s "
        "ON CONFLICT (tenant_id) DO UPDATE SET last_id = excluded.last_id, digest = excluded.digest",
        "INSERT INTO audit_anchor VALUES (%(t)s, %(behind)s, 'x')",
        "DELETE FROM audit_anchor",
        "TRUNCATE audit_anchor",
        "SELECT audit_forget(%(t)s, now(), 1000)",
        "SELECT audit_forget(%(t)s, now() - interval '29 days', 1000)",
        "SELECT audit_forget(%(t)s, now(), 100000)",
    ],
)
def test_f16_nothing_young_goes_by_any_door(world: World, statement: str) -> None:
    """`behind`: an entry that says it is old, behind one that is not."""
    tenant = begin()
    write(tenant, 60, 50)
    forget()
    first, young, behind, _ = ids = [*kept(tenant)[1:], *write(tenant, 29.5, 1, 45, 0)]
    with platform_scope(), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, {"t": tenant.pk, "first": first, "young": young, "behind": behind})
    assert kept(tenant)[-4:] == ids
    assert walked(tenant).broken is None


@django_db
def test_f16_a_tenants_scope_neither_sees_nor_moves_anothers_anchor(world: World) -> None:
    tenant, other = begin(), begin()
    for one in (tenant, other):
        write(one, 60, 50, 1)
    forget()
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id FROM audit_anchor")
        assert cursor.fetchall() == [(tenant.pk,)]
    old = write(other, 60)
    with tenant_scope(tenant), connection.cursor() as cursor:
        cursor.execute("SELECT audit_forget(%s, now() - interval '31 days', 100)", [other.pk])
        assert cursor.fetchone() == (0,)
    assert old[0] in kept(other)


@django_db
def test_f16_a_beginning_that_was_taken_out_by_hand_still_shows(world: World) -> None:
    tenant = begin()
    write(tenant, 60, 50, 5, 4)
    forget()
    assert walked(tenant).broken is None
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tenants_auditentry DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM tenants_auditentry WHERE id = %s", [kept(tenant)[0]])
        cursor.execute("ALTER TABLE tenants_auditentry ENABLE TRIGGER USER")
    assert walked(tenant).broken == kept(tenant)[0]


def test_f16_two_at_once_beside_a_writer_leave_one_whole_chain(
    committed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 7)
    write(committed.ours, *[60.0] * 100)

    def apart(work: Any) -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        works = [forget, forget, lambda: [write(committed.ours, 0) for _ in range(20)]]
        results = [one.result() for one in [pool.submit(apart, work) for work in works]]
    forget()
    assert results[0] + results[1] <= 100
    assert len(kept(committed.ours)) == 20
    assert walked(committed.ours).broken is None
