"""Read the audit trail, however long it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from tenants import scope
from tenants.models import AuditEntry

AT_ONCE = 500
SEARCHED = ("act", "actor", "name", "object_id", "detail", "request_id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty finds all. `act` may end with `.`; `since` is in, `until` is not."""

    search: str = ""
    act: str = ""
    actor: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


def found(tenant_id: str, wanted: Wanted) -> QuerySet[AuditEntry]:
    """Newest first."""
    rows = AuditEntry.objects.filter(tenant_id=tenant_id).order_by("-pk")
    if wanted.act:
        rows = rows.filter(act__startswith=wanted.act) if wanted.act.endswith(".") else rows.filter(act=wanted.act)
    if wanted.actor:
        rows = rows.filter(actor__iexact=wanted.actor)
    if wanted.outcome:
        rows = rows.filter(outcome=wanted.outcome)
    if wanted.since is not None:
        rows = rows.filter(at__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(at__lt=wanted.until)
    for word in wanted.search.split():
        anywhere = Q()
        for name in SEARCHED:
            anywhere |= Q(**{f"{name}__icontains": word})
        rows = rows.filter(anywhere)
    return rows


def batches(found: QuerySet[AuditEntry], *, at_once: int = AT_ONCE) -> Iterator[list[AuditEntry]]:
    """Newest first, each batch a query of its own in the scope of now: a download outlives its request's scope, and
    holds no connection while it waits for its reader."""
    return _batches(found.order_by("-pk"), scope.required(), at_once)


def _batches(ordered: QuerySet[AuditEntry], here: scope.Scope, at_once: int) -> Iterator[list[AuditEntry]]:
    last = None
    while True:
        with scope.scoped(here):
            rows = list((ordered if last is None else ordered.filter(pk__lt=last))[:at_once])
        if not rows:
            return
        last = rows[-1].pk
        yield rows
