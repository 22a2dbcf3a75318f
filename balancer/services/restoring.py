"""Bring a tenant's objects back to what a revision holds: all of them, or nothing, with the reason."""

from collections.abc import Sequence
from datetime import datetime

from balancer.fleet.models import Contents
from balancer.models import Backend
from balancer.queries import desired_state, objects
from balancer.services import beside, caches, domains, edits, limits, pool_modes, writing
from balancer.services.kinds import KINDS
from balancer.services.writing import Written
from tenants.errors import Conflict, FieldError, NotFound, Refused


class NotRestored(Refused):
    """`errors` point into the objects of the revision: `/route/<id>/host`."""

    def __init__(self, errors: Sequence[FieldError], status: int) -> None:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"Nothing was changed. {errors[0].detail}{more}", "not_restored", status, tuple(errors))


def contents_of(tenant_id: str, number: int) -> Contents:
    """Raise `NotFound`, or `Conflict` for a revision from before objects were kept."""
    found = Contents.objects.select_related("revision").defer("revision__state")
    kept = found.filter(tenant=tenant_id, revision__number=number).first()
    if kept is None:
        raise NotFound(f"There is no revision {number} here whose objects are kept.")
    return kept


def restore(document: objects.Document, *, now: datetime) -> list[Written]:
    """Write the rows, under the tenant's lock; what is written is returned, to be recorded. Raise `NotRestored`,
    `LimitReached` or `Conflict`."""
    here = objects.current()
    changes = writing.between(here, document, now=now)
    for change in changes:
        keep_moves(change)
    refuse_over_limits(changes)
    writing.write(changes)
    judge(changes)
    try:
        writing.claim_hosts(changes)
    except Refused as refused:
        raise NotRestored((FieldError("", refused.code, refused.detail),), refused.status) from refused
    beside.whole(desired_state.of(edits.hold_tenant()))
    return changes


def addresses_in(document: objects.Document) -> list[str]:
    """Of backends that go by a name."""
    there = document.get("backend", {}).values()
    return [f"{row['host']}:{row['port']}" for row in there if row.get("host")]


def keep_moves(change: Written) -> None:
    """A backend that goes back to an earlier address is a new server to HAProxy all the same (`haproxy.naming`)."""
    was, shall = change.before, change.after
    if not isinstance(was, Backend) or not isinstance(shall, Backend):
        return
    shall.moves = was.moves if was.place == shall.place else max(was.moves, shall.moves) + 1


def refuse_over_limits(changes: Sequence[Written]) -> None:
    rooms = (
        ("backend", limits.room_for_backends),
        ("route", limits.room_for_routes),
        ("listener", limits.room_for_listeners),
    )
    for kind, room in rooms:
        mine = [change for change in changes if change.kind == kind]
        more = sum(change.before is None for change in mine) - sum(change.after is None for change in mine)
        if more > 0:
            room(more)
    caches.room_for((change.before, change.after) for change in changes)


def _new_host(change: Written) -> bool:
    if change.kind not in ("route", "listener") or not change.after.host:
        return False
    return change.before is None or change.before.host != change.after.host


def judge(changes: Sequence[Written]) -> None:
    """By the rules of now: a rule may have become stricter, a domain may be proven no more."""
    problems: list[FieldError] = []
    status = 422
    proven = domains.proven()
    with pool_modes.known(dict(objects.KINDS["pool"]._default_manager.values_list("pk", "mode"))):
        for change in changes:
            if change.after is None:
                continue
            kind = KINDS[change.kind]
            try:
                kind.cleaned(kind.values_of(change.after))
                if _new_host(change):
                    domains.require(change.after.host, proven)
            except Refused as refused:
                status = refused.status if isinstance(refused, Conflict) else status
                where = f"/{change.kind}/{change.after.pk}"
                problems += [
                    FieldError(where + error.pointer, error.code, f"{change.after}: {error.detail}")
                    for error in refused.errors or (FieldError("", refused.code, refused.detail),)
                ]
    if problems:
        raise NotRestored(problems, status)
