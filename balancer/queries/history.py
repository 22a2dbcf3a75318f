"""Revisions as people read them: what differs between two, in objects and in HAProxy's words."""

from dataclasses import dataclass

from balancer.fleet.models import Contents, Revision
from balancer.haproxy import codec, shown
from balancer.haproxy.desired import Tenant
from balancer.queries import names, objects
from balancer.queries.objects import Difference
from tenants.errors import NotFound


@dataclass(frozen=True, slots=True)
class Compared:
    """`before` None: there is none to compare with. `objects_known`: false for revisions from before objects were kept,
    of which only the text can be compared."""

    before: int | None
    after: int
    objects: list[Difference]
    objects_known: bool
    text: str


def revision(tenant_id: str, number: int) -> Revision:
    """Raise `NotFound`."""
    found = Revision.objects.select_related("by").filter(tenant=tenant_id, number=number).first()
    if found is None:
        raise NotFound(f"There is no revision {number} here.")
    return found


def compared(tenant_id: str, number: int, against: int | None = None) -> Compared:
    """With the one before it, or with the one named. Raise `NotFound`."""
    after = revision(tenant_id, number)
    if against is None:
        earlier = Revision.objects.filter(tenant=tenant_id, number__lt=number)
        before = earlier.order_by("-number").first()
    else:
        before = revision(tenant_id, against)
    held = {
        one.revision_id: one.objects_kept
        for one in Contents.objects.filter(revision__in=[after.pk, before and before.pk])
    }
    known = after.pk in held and (before is None or before.pk in held)
    differences = objects.differences(held[before.pk] if before else {}, held[after.pk]) if known else []
    called = (f"r{before.number}" if before else "nothing", f"r{number}")
    text = shown.text_difference(state_of(before) if before else None, state_of(after), names=called)
    return Compared(before.number if before else None, number, differences, known, text)


def state_of(found: Revision) -> Tenant:
    """With the addresses that its names have now. Raise `NotFound` for what a newer version cannot read any more."""
    try:
        return names.resolved(codec.from_json(found.state, names=True), found.tenant_id)
    except codec.BadState as error:
        raise NotFound(f"{found} was made by a version whose configuration cannot be shown any more.") from error


def newest_state(tenant_id: str) -> tuple[int, Tenant | None]:
    """Its number and what it says; 0 and None where there is none."""
    newest = Revision.objects.filter(tenant=tenant_id).order_by("-number").first()
    return (newest.number, state_of(newest)) if newest else (0, None)
