"""Write many objects at once: one statement for each kind, an edit and an audit entry for each object.

Callers hold the tenant, so that nobody else writes these rows meanwhile.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction

from balancer import enqueue
from balancer.fleet.models import Act, Edit
from balancer.models import Backend, Listener, Route
from balancer.queries import objects
from balancer.services import edits, hosts, name_uses, ports
from balancer.services.edits import fields_of
from tenants import scope
from tenants.actor import Actor
from tenants.errors import Conflict
from tenants.services.trail import audit

BATCH = 500  # rows in a statement


@dataclass(frozen=True, slots=True)
class Written:
    """One object that a change of many touches. `before` None: it is new; `after` None: it goes."""

    kind: str
    before: Any
    after: Any

    @property
    def act(self) -> Act:
        return Act.CREATE if self.before is None else Act.DELETE if self.after is None else Act.UPDATE

    @property
    def thing(self) -> Any:
        return self.before if self.after is None else self.after


def write(changes: Sequence[Written]) -> None:
    """Bring the rows there. Whatever goes or changes is taken out first and put in again with its id: names and
    addresses may then be swapped, and what points at them is looked at when the transaction ends."""
    for kind, model in reversed(objects.KINDS.items()):
        gone = [change.before.pk for change in changes if change.kind == kind and change.before is not None]
        if gone:
            there = model._default_manager.filter(pk__in=gone)
            there._raw_delete(there.db)
    try:
        for kind, model in objects.KINDS.items():
            here = [change.after for change in changes if change.kind == kind and change.after is not None]
            model._default_manager.bulk_create(here, batch_size=BATCH)
    except IntegrityError as error:
        raise Conflict("Two of these are the same: the same name, address, or host and path.", "same_twice") from error


def record(changes: Sequence[Written], *, by: Actor, now: datetime, staged: bool | None = None) -> list[Edit]:
    """An edit and an audit entry for each; one cut is asked for after the commit. `staged` None: as it is set. Last in
    the transaction."""
    tenant_id = scope.required().tenant_id
    staged = edits.stages(tenant_id) if staged is None else staged
    name_uses.note({one.after.host for one in changes if isinstance(one.after, Backend) and one.after.host}, now=now)
    made = Edit.objects.bulk_create([_edit(tenant_id, one, by=by, now=now, staged=staged) for one in changes], BATCH)
    audit.record_many(
        [
            audit.Entry(f"{edit.kind}.{edit.act}", edit.kind, edit.object_id, edit.name, edit.before, edit.after)
            for edit in made
        ],
        by=by,
        now=now,
        tenant=tenant_id,
    )
    if made:
        transaction.on_commit(lambda: enqueue.cut(tenant_id, request_id=by.request_id))
    return made


def _edit(tenant_id: str, change: Written, *, by: Actor, now: datetime, staged: bool) -> Edit:
    before = fields_of(change.before) if change.before is not None else {}
    after = fields_of(change.after) if change.after is not None else {}
    before, after = edits.differing(before, after)
    return Edit(
        tenant_id=tenant_id,
        by_id=by.user_id,
        through=by.through,
        act=change.act,
        kind=change.kind,
        object_id=change.thing.pk,
        name=str(change.thing)[:200],
        before=before,
        after=after,
        request_id=by.request_id,
        at=now,
        staged=staged,
    )


def between(here: objects.Document, there: objects.Document, *, now: datetime) -> list[Written]:
    """What brings the one to the other."""
    found: list[Written] = []
    for kind in objects.KINDS:
        old, new = here.get(kind, {}), there.get(kind, {})
        found.extend(
            Written(kind, _thing(kind, old.get(pk), now), _thing(kind, new.get(pk), now))
            for pk in sorted(old.keys() | new.keys())
            if old.get(pk) != new.get(pk)
        )
    return found


def _thing(kind: str, row: objects.Row | None, now: datetime) -> models.Model | None:
    return None if row is None else objects.thing_of(kind, row, now=now)


@contextmanager
def tried() -> Iterator[None]:
    """What is written inside is seen inside, and gone after."""
    with transaction.atomic():
        here = transaction.savepoint()
        try:
            yield
        finally:
            transaction.savepoint_rollback(here)


def claim_hosts(changes: Sequence[Written]) -> None:
    """Take the hosts and ports that these routes and listeners are the first for, give up those that nothing is left
    for. After `write`."""
    was, shall = _hosts(changes, "before"), _hosts(changes, "after")
    hosts.claim_all(shall)
    left = was - shall
    if left:
        routed = set(Route.objects.filter(host__in=left).values_list("host", flat=True))
        hosts.release_all(left - routed - set(Listener.objects.filter(host__in=left).values_list("host", flat=True)))
    had, shall_have = _ports(changes, "before"), _ports(changes, "after")
    ports.claim_all(shall_have)
    if had - shall_have:
        ports.release_all(had - shall_have)


def _hosts(changes: Sequence[Written], when: str) -> set[str]:
    there = (getattr(change, when) for change in changes if change.kind in ("route", "listener"))
    return {one.host for one in there if one and one.host}


def _ports(changes: Sequence[Written], when: str) -> set[int]:
    there = (getattr(change, when) for change in changes if change.kind == "listener")
    return {one.port for one in there if one and one.port}
