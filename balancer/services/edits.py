"""Write down one thing someone changed, in the transaction that changes it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import models, transaction

from balancer import enqueue
from balancer.fleet.models import Act, Delivery, Deploy, Edit
from balancer.models import Backend
from balancer.queries import objects
from balancer.services import name_uses
from tenants import scope
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.services.trail import audit

Thing = TypeVar("Thing")
NOT_SHOWN = frozenset({"created_at", "updated_at", "moves"})
# What someone does to a running backend is meant now, however changes of configuration go out.
AT_ONCE = frozenset({Act.DRAIN, Act.READY, Act.MAINTAIN, Act.WEIGHT, Act.RETRY, Act.PURGE})


@dataclass(frozen=True, slots=True)
class Changed(Generic[Thing]):
    """What a service hands back: the object as it is now, and the edit that says so."""

    object: Thing
    edit: Edit


def hold_tenant() -> Tenant:
    """Lock the tenant of this scope. It holds its counts still: two requests cannot both take the last place.

    NO KEY: who only points at the tenant by a foreign key (a cut, an audit row) does not wait.
    """
    held: Tenant = Tenant.objects.select_for_update(no_key=True).get(pk=scope.required().tenant_id)
    return held


def fields_of(thing: models.Model) -> dict[str, Any]:
    """Column → value, as JSON can hold it."""
    return {
        field.attname: getattr(thing, field.attname)
        for field in thing._meta.concrete_fields
        if field.attname not in NOT_SHOWN
    }


def record(
    act: Act,
    thing: models.Model,
    *,
    by: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Edit:
    """Inside the change's own transaction, last in it, and into the audit trail too. After it commits, ask for a
    revision to be cut."""
    edit = put_out(act, thing, by=by, now=now, before=before, after=after)
    audit.record(
        f"{edit.kind}.{edit.act}", by=by, now=now, tenant=edit.tenant_id, thing=thing, before=before, after=after
    )
    return edit


def put_out(
    act: Act,
    thing: models.Model,
    *,
    by: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Edit:
    """The edit alone, for what was written into the audit trail already."""
    before, after = differing(before or {}, after or {})
    if after.get("host") and isinstance(thing, Backend):
        name_uses.note([after["host"]], now=now)
    kind = thing._meta.model_name or ""
    edit = Edit.objects.create(
        tenant_id=scope.required().tenant_id,
        by_id=by.user_id,
        through=by.through,
        act=act,
        kind=kind,
        object_id=thing.pk,
        name=str(thing)[:200],
        before=before,
        after=after,
        request_id=by.request_id,
        at=now,
        staged=kind in objects.KINDS and act not in AT_ONCE and stages(scope.required().tenant_id),
    )
    transaction.on_commit(lambda: enqueue.cut(edit.tenant_id, request_id=by.request_id))
    return edit


def stages(tenant_id: str) -> bool:
    """Does what this tenant changes wait until somebody deploys it?"""
    return Delivery.objects.filter(tenant=tenant_id, deploy=Deploy.STAGED).exists()


def differing(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return {n: before[n] for n in names & before.keys()}, {n: after[n] for n in names & after.keys()}
