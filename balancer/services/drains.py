"""Drain many at once, and carry out what was asked to follow a drain.

The row is the work: `balancer.tasks.go_on_with_drains` looks every two seconds at what is open, so that a restart of
anything delays it and loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from balancer.fleet.models import Drain, Edit, Ending, Then
from balancer.haproxy.desired import AdminState
from balancer.models import Backend, Pool
from balancer.queries import drains
from balancer.services import backends, draining, edits, last_one
from tenants import scope
from tenants.actor import SYSTEM, Actor
from tenants.errors import Conflict, FieldError, InvalidField, Refused
from tenants.scope import platform_scope, tenant_scope

log = structlog.get_logger(__name__)
MOST_AT_ONCE = 1000
BY_ITSELF = replace(SYSTEM, through="drain")


@dataclass(frozen=True, slots=True)
class Drained:
    backends: list[Backend]
    edit: Edit


@transaction.atomic
def drain_many(
    ids: Sequence[str] | None,
    pool_id: str | None,
    *,
    by: Actor,
    now: datetime,
    force: bool = False,
    deadline: timedelta | None = None,
    then: Then = Then.NOTHING,
) -> Drained:
    """All of them or none. One that drains already takes the new deadline. Raise `Refused` with the ids that are not
    here, and `Conflict` where a pool would be left without an answer, unless forced."""
    edits.hold_tenant()
    chosen = _chosen(ids, pool_id)
    if not force:
        last_one.refuse(chosen, now=now)
    done = [
        backends.drain(one, by=by, now=now, force=True, deadline=deadline, then=then)
        for one in chosen
        if one.admin != AdminState.MAINT.value
    ]
    if not done:
        raise Conflict("Nothing here can be drained: all of it is in maintenance already.", "nothing_to_drain")
    return Drained([one.object for one in done], done[-1].edit)


def _chosen(ids: Sequence[str] | None, pool_id: str | None) -> list[Backend]:
    if (ids is None) == (pool_id is None):
        raise InvalidField("ids", "Name the backends by “ids”, or all of one pool by “pool”; one of the two.")
    if ids is None:
        if not Pool.objects.filter(pk=pool_id).exists():
            raise InvalidField("pool", "There is no such pool here; name one of yours.", "unknown_pool")
        return list(Backend.objects.filter(pool=pool_id))
    found = {one.pk: one for one in Backend.objects.filter(pk__in=ids)}
    missing = [index for index, pk in enumerate(ids) if pk not in found]
    if missing:
        said = "There is no such backend here."
        errors = tuple(FieldError(f"/ids/{index}", "unknown_backend", said) for index in missing)
        raise Refused(f"{len(missing)} of these backends are not here; nothing was drained.", "invalid", 422, errors)
    return list(found.values())


def open_ones() -> list[Drain]:
    """What somebody waits for, or nobody was seen to have left yet. In the platform's scope; one query."""
    waiting = Drain.objects.filter(ended_at=None).exclude(then=Then.NOTHING, emptied_at__isnull=False)
    return list(waiting.select_related("tenant").order_by("began_at", "id")[:MOST_AT_ONCE])


def go_on_with_all(*, now: datetime) -> int:
    """Carry out what is due, each in its own transaction; answers how many ended."""
    with platform_scope():
        found = open_ones()
    ended = 0
    for drain in found:
        with tenant_scope(drain.tenant):
            ended += _go_on_safely(drain, now=now)
    return ended


def _go_on_safely(drain: Drain, *, now: datetime) -> bool:
    """What the service refuses (a pool that went meanwhile) must not stop the others."""
    try:
        return go_on(drain, now=now)
    except Refused as refused:
        log.warning("drain cannot go on", drain=drain.pk, tenant=drain.tenant_id, why=str(refused))
        return False


@transaction.atomic
def go_on(drain: Drain, *, now: datetime) -> bool:
    """In its tenant's scope. True: it is over, and what follows it is done with it."""
    edits.hold_tenant()
    held = Drain.objects.select_for_update().filter(pk=drain.pk, ended_at=None).first()
    if held is None:
        return False
    backend = Backend.objects.select_related("pool").filter(pk=held.backend).first()
    if backend is None or backend.admin != AdminState.DRAIN.value:
        draining.end(held.backend, Ending.CANCELLED, now=now)
        return True
    seen = drains.progress(scope.required().tenant_id, [backend], now=now)[backend.pk]
    if seen.empty and held.emptied_at is None:
        Drain.objects.filter(pk=held.pk).update(emptied_at=now)
    over = held.deadline_at is not None and held.deadline_at <= now
    if held.then == Then.NOTHING or not (seen.empty or over):
        return False
    draining.end(held.backend, Ending.EMPTY if seen.empty else Ending.DEADLINE, now=now)
    follow(backend, Then(held.then), now=now)
    log.info("drain over", backend=backend.pk, empty=seen.empty, sessions=seen.sessions, then=held.then)
    return True


def follow(backend: Backend, then: Then, *, now: datetime) -> None:
    """Forced: it gets no new sessions as it is, so that nothing is lost by what follows."""
    match then:
        case Then.MAINTAIN:
            backends.maintain(backend, by=BY_ITSELF, now=now, force=True)
        case Then.REMOVE:
            backends.remove(backend, by=BY_ITSELF, now=now)
        case Then.READY:
            backends.ready(backend, by=BY_ITSELF, now=now)
