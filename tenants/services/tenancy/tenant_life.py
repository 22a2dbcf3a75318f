"""Suspend, activate, delete, restore and purge a tenant. What its traffic is told follows by `steps.changed`.

A deleted tenant answers nothing from the moment of its deletion, can be restored for `GRACE`, and is then purged.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from tenants.actor import SYSTEM, Actor
from tenants.errors import Conflict, InvalidField
from tenants.models import Tenant, TenantStatus
from tenants.scope import platform_scope
from tenants.services.schemas import provision
from tenants.services.tenancy import steps, tenancy
from tenants.services.trail import audit

log = structlog.get_logger(__name__)

GRACE = timedelta(days=30)
REASON_MOST = 300
DATES = ("suspended_at", "suspended_reason", "deleted_at", "purge_at")


@transaction.atomic
def suspend(tenant: Tenant, *, reason: str, by: Actor, now: datetime) -> Tenant:
    """Its traffic answers 503 and nothing in it can be changed. Once more: with another reason."""
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_MOST:
        raise InvalidField("reason", f"Say why, in {REASON_MOST} characters at most; the tenant's people read it.")
    held = tenancy.hold(tenant.pk)
    _refuse_deleted(held)
    held.suspended_at, held.suspended_reason = held.suspended_at or now, reason
    return _moved(held, TenantStatus.SUSPENDED, "tenant.suspend", by=by, now=now, detail=reason)


@transaction.atomic
def activate(tenant: Tenant, *, by: Actor, now: datetime) -> Tenant:
    """End a suspension."""
    held = tenancy.hold(tenant.pk)
    _refuse_deleted(held)
    if held.status == TenantStatus.ACTIVE:
        return held
    held.suspended_at, held.suspended_reason = None, ""
    return _moved(held, TenantStatus.ACTIVE, "tenant.activate", by=by, now=now)


@transaction.atomic
def delete(tenant: Tenant, *, by: Actor, now: datetime) -> Tenant:
    """Its traffic stops; its owners can still look, take its configuration with them, and restore it."""
    held = tenancy.hold(tenant.pk)
    _refuse_deleted(held)
    held.deleted_at, held.purge_at = now, now + GRACE
    return _moved(held, TenantStatus.DELETED, "tenant.delete", by=by, now=now)


@transaction.atomic
def restore(tenant: Tenant, *, by: Actor, now: datetime) -> Tenant:
    """As it was: one that was suspended when it was deleted is so again."""
    held = tenancy.hold(tenant.pk)
    if held.status != TenantStatus.DELETED:
        raise Conflict("This tenant is not deleted.", "not_deleted")
    held.deleted_at = held.purge_at = None
    back = TenantStatus.SUSPENDED if held.suspended_at else TenantStatus.ACTIVE
    return _moved(held, back, "tenant.restore", by=by, now=now)


def purge_due(*, now: datetime) -> int:
    """Every tenant whose grace is over, each in its own transaction. For a sweep; in the platform's scope."""
    due = Tenant.objects.filter(status=TenantStatus.DELETED, purge_at__lte=now).order_by("purge_at", "pk")
    return sum(purge(tenant, now=now) for tenant in due)


@transaction.atomic
def purge(tenant: Tenant, *, now: datetime) -> bool:
    """For good: schema, rows, hosts, what nodes hold. The audit trail stays. False: it was restored meanwhile."""
    with platform_scope():
        held = Tenant.objects.select_for_update().filter(pk=tenant.pk).first()
        if held is None or held.status != TenantStatus.DELETED or held.purge_at is None or held.purge_at > now:
            return False
        steps.purging(held, now=now)
        provision.drop(held)
        gone = {"slug": held.slug, "name": held.name}
        Tenant.objects.filter(pk=held.pk).delete()
        audit.record("tenant.purge", by=SYSTEM, now=now, tenant=held.pk, name=gone["name"], before=gone)
    log.info("tenant purged", tenant=tenant.pk)
    return True


def _moved(held: Tenant, status: TenantStatus, act: str, *, by: Actor, now: datetime, detail: str = "") -> Tenant:
    before, held.status = {"status": held.status}, status
    after: dict[str, Any] = {"status": status.value}
    with platform_scope():
        held.save(update_fields=["status", *DATES, "updated_at"])
    steps.changed(held, by=by, now=now, before=before, after=after)
    audit.record(act, by=by, now=now, tenant=held, thing=held, before=before, after=after, detail=detail)
    return held


def _refuse_deleted(held: Tenant) -> None:
    if held.status == TenantStatus.DELETED:
        raise Conflict("This tenant is deleted. Restore it first.", "deleted")
