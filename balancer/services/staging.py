"""Changes that wait: what they are, what they would do, and sending them out or taking them back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from balancer.fleet.models import Delivery, Deploy, Edit, Revision
from balancer.queries import names, objects
from balancer.services import beside, edits, fragments, name_uses, releases, revisions, writing
from balancer.services.revisions import Making
from tenants.actor import Actor
from tenants.errors import Conflict, FieldError, Refused
from tenants.models import Tenant
from tenants.services.trail import audit


@dataclass(frozen=True, slots=True)
class Selection:
    """Edits that go together, and the objects as they are with them and no others."""

    edits: list[Edit]
    document: objects.Document
    all_of_it: bool


class Apart(Refused):
    """A selection that does not stand alone; `errors` name what is missing."""

    def __init__(self, missing: Sequence[FieldError]) -> None:
        super().__init__(f"These changes do not stand alone: {missing[0].detail}", "incomplete", 409, tuple(missing))


def delivery_of(tenant_id: str) -> Delivery:
    """As it is set, or as it is for who set nothing."""
    return Delivery.objects.filter(tenant=tenant_id).first() or Delivery(tenant_id=tenant_id)


@transaction.atomic
def set_delivery(changes: dict[str, Any], *, by: Actor, now: datetime) -> Delivery:
    """Raise `Conflict` while changes wait: going automatic must send nothing out by surprise."""
    tenant = edits.hold_tenant()
    delivery = delivery_of(tenant.pk)
    before = edits.fields_of(delivery)
    for name, value in changes.items():
        setattr(delivery, name, value)
    if delivery.deploy == Deploy.AUTOMATIC and Edit.objects.filter(tenant=tenant, revision=None, staged=True).exists():
        raise Conflict("Changes are waiting: deploy or discard them first, then switch.", "changes_waiting", "/deploy")
    delivery.updated_at = now
    if delivery.deploy == Deploy.STAGED and before["deploy"] != Deploy.STAGED:
        settle(tenant, by=by, now=now)
    delivery.save()
    audit.record(
        "delivery.set", by=by, now=now, tenant=tenant, name=delivery.deploy, before=before,
        after=edits.fields_of(delivery),
    )  # fmt: skip
    return delivery


def settle(tenant: Tenant, *, by: Actor, now: datetime) -> None:
    """From here on changes wait: what was made before goes out, and is what `discard` goes back to."""
    due = releases.waiting(tenant.pk)
    kept = Revision.objects.filter(tenant=tenant.pk, contents__isnull=False).exists()
    if due or not kept:
        making = Making(note="Changes wait from here on", by=by, anew=not kept)
        releases.release(tenant, due, making=making, now=now)


def pending(tenant_id: str) -> list[Edit]:
    """Oldest first."""
    waiting = Edit.objects.filter(tenant=tenant_id, revision=None, staged=True)
    return list(waiting.select_related("by").order_by("id"))


def selected(tenant_id: str, chosen: Collection[str] | None) -> Selection:
    """`chosen` are ids of edits; None: all. Raise `Apart` where they need others, `Conflict` where nothing waits."""
    waiting = releases.waiting(tenant_id)
    staged = [edit for edit in waiting if edit.staged]
    here = objects.current()
    if chosen is None:
        if not staged:
            raise Conflict("Nothing waits to be deployed.", "nothing_waits")
        return Selection(waiting, here, all_of_it=True)
    known = {str(edit.pk) for edit in staged}
    strange = sorted(set(chosen) - known)
    if strange or not chosen:
        said = "This change does not wait here any more; look at the list again." if strange else "Name some changes."
        raise Refused(said, "unknown_change", 422, tuple(FieldError("/edits", "unknown", one) for one in strange))
    mine = [edit for edit in staged if str(edit.pk) in chosen]
    touched = {(edit.kind, edit.object_id) for edit in mine}
    missing = [edit for edit in staged if (edit.kind, edit.object_id) in touched and str(edit.pk) not in chosen]
    document = with_objects(revisions.last_objects(tenant_id), here, touched)
    gone = {pk for kind, pk in touched if pk not in document[kind]}
    left_out = [edit for edit in staged if str(edit.pk) not in chosen and edit not in missing]
    missing += [edit for edit in left_out if needed(edit, document, gone)]
    if missing:
        raise Apart([FieldError("/edits", "missing", f"{edit} (change {edit.pk}) is needed too.") for edit in missing])
    return Selection(mine, document, all_of_it=len(mine) == len(staged))


def with_objects(
    base: objects.Document, here: objects.Document, touched: Collection[tuple[str, str]]
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {kind: dict(base.get(kind, {})) for kind in objects.KINDS}
    for kind, pk in touched:
        row = here.get(kind, {}).get(pk)
        if row is None:
            found[kind].pop(pk, None)
            if kind == "pool":  # its backends go with it
                found["backend"] = {one: r for one, r in found["backend"].items() if r.get("pool_id") != pk}
        else:
            found[kind][pk] = row
    return found


def needed(edit: Edit, document: objects.Document, gone: Collection[str]) -> bool:
    """Does something in the document point at an object that only this edit makes, or does this edit's object still
    point at one that goes?"""
    row = document.get(edit.kind, {}).get(edit.object_id)
    if row is not None:
        return any(objects.mentions(row, pk) for pk in gone)
    return any(
        objects.mentions(row, edit.object_id)
        for rows in document.values()
        for pk, row in rows.items()
        if pk != edit.object_id
    )


@transaction.atomic
def deploy(
    tenant_id: str,
    chosen: Collection[str] | None,
    *,
    by: Actor,
    now: datetime,
    note: str = "",
    canary: bool | None = None,
) -> Revision:
    """Make a revision of what waits, or of some of it. Raise `Apart`, `Conflict`."""
    tenant = edits.hold_tenant()
    selection = selected(tenant_id, chosen)
    making = Making(note=note, by=by, canary=canary)
    document = None if selection.all_of_it else selection.document
    revision = releases.release(tenant, selection.edits, making=making, now=now, document=document)
    releases.let_go_of_hosts(tenant_id)
    audit.record(
        "change.deploy",
        by=by,
        now=now,
        tenant=tenant,
        thing=revision,
        after={"edits": len(selection.edits)},
        detail=note,
    )
    return revision


@dataclass(frozen=True, slots=True)
class Discarded:
    edits: int
    objects: int


@transaction.atomic
def discard(tenant_id: str, *, by: Actor, now: datetime) -> Discarded:
    """Put the rows back to the last revision. The edits stay in the trail; nothing is deployed."""
    tenant = edits.hold_tenant()
    waiting = [edit for edit in releases.waiting(tenant_id) if edit.staged]
    if not waiting:
        raise Conflict("Nothing waits that could be discarded.", "nothing_waits")
    changes = writing.between(objects.current(), revisions.last_objects(tenant_id), now=now)
    writing.write(changes)
    writing.claim_hosts(changes)
    last = Revision.objects.filter(tenant=tenant_id).defer("state").order_by("-number")[:1].get()
    Edit.objects.filter(pk__in=[edit.pk for edit in waiting]).update(revision=last, staged=False)
    name_uses.settle(tenant_id, fragments.state_of(last), now=now)
    releases.let_go_of_hosts(tenant_id)
    audit.record(
        "change.discard", by=by, now=now, tenant=tenant, thing=last,
        after={"edits": len(waiting), "objects": len(changes)},
    )  # fmt: skip
    return Discarded(len(waiting), len(changes))


def previewed(tenant: Tenant, chosen: Collection[str] | None, *, now: datetime) -> tuple[objects.Document, Any]:
    """The objects and the state that a deploy would bring, with the addresses that names have now. In a transaction of
    its own; leaves nothing behind."""
    with writing.tried():
        edits.hold_tenant()
        selection = selected(tenant.pk, chosen)
        state = beside.composed(tenant, selection.document, now=now)
        return selection.document, names.resolved(state, tenant.pk)
