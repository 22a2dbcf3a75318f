"""Read the audit trail, however long it is."""

from collections.abc import Iterator

from django.db.models import QuerySet

from tenants import scope
from tenants.models import AuditEntry

AT_ONCE = 500


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
