"""Let go of revisions, with their edits and deployments, and of reports of imports, that are older than a tenant's plan
keeps them.

What is needed stays, however old it is: the newest revision of a tenant, each that a snapshot is made of (nodes catch
up from snapshots), each that is still under way to a node or that a node runs, and what is not in a revision yet. Rows
are locked, looked at again under the lock, and left to somebody else who holds them: it may be killed, repeated, and
run twice at once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet

from balancer.fleet.models import Deployment, DeploymentState, Edit, ImportReport, Revision, Snapshot
from balancer.fleet.models.deployment import OPEN
from billing.queries import limits

LEAST = timedelta(days=30)
MOST_REVISIONS = 1000  # of one tenant, however young
AT_ONCE = 500
MOST = 20_000  # in a run, of each kind and period
TENANTS_MOST = 100  # with too many revisions, in a run
Rows = QuerySet[Any]


def forget_old(*, now: datetime, most: int = MOST) -> int:
    """For a sweep; in the platform's scope, outside of a transaction. Answers how many rows went."""
    gone = 0
    for days, tenants in limits.tenants_by_retention().items():
        before = now - max(LEAST, timedelta(days=days))
        gone += _forget(Q(tenant__in=tenants), before, most)
    return gone + sum(_forget(Q(tenant=tenant), before, most) for tenant, before in _overfull())


def _forget(whose: Q, before: datetime, most: int) -> int:
    """Edits first: a revision goes when nothing speaks of it any more."""
    kinds: tuple[Callable[[Q, datetime], Rows], ...] = (_edits, _deployments, _revisions, _reports)
    return sum(_in_batches(rows(whose, before), most) for rows in kinds)


def _edits(whose: Q, before: datetime) -> Rows:
    return Edit.objects.filter(whose, at__lt=before, revision__isnull=False).order_by("at")


def _reports(whose: Q, before: datetime) -> Rows:
    return ImportReport.objects.filter(whose, at__lt=before).order_by("at")


def _deployments(whose: Q, before: datetime) -> Rows:
    """Overtaken on their node; the last one that went live there is what it falls back to, and what it may run."""
    return (
        Deployment.objects.filter(whose, Exists(_newer()), queued_at__lt=before)
        .exclude(state__in=OPEN)
        .exclude(~Exists(_newer(state=DeploymentState.LIVE)), state=DeploymentState.LIVE)
        .order_by("queued_at")
    )


def _newer(**values: Any) -> Rows:
    """Than the deployment of the outer query, of the same tenant on the same node."""
    same = Deployment.objects.filter(tenant=OuterRef("tenant"), node=OuterRef("node"), **values)
    return same.filter(generation__gt=OuterRef("generation"))


def _revisions(whose: Q, before: datetime) -> Rows:
    newer = Revision.objects.filter(tenant=OuterRef("tenant"), number__gt=OuterRef("number"))
    used: tuple[Rows, ...] = (Snapshot.objects, Edit.objects, Deployment.objects)  # type: ignore[assignment]
    unused = [~Exists(rows.filter(revision=OuterRef("pk"))) for rows in used]
    return Revision.objects.filter(whose, Exists(newer), *unused, created_at__lt=before).order_by("created_at")


def _overfull() -> list[tuple[str, datetime]]:
    """Tenants with more than `MOST_REVISIONS`, and when the last one beyond them was made."""
    counted = Revision.objects.order_by().values("tenant").annotate(first=Min("number"), last=Max("number"))
    many = counted.filter(last__gte=F("first") + MOST_REVISIONS).values_list("tenant", "last")[:TENANTS_MOST]
    found = []
    for tenant, last in list(many):
        kept = Revision.objects.filter(tenant=tenant, number__gt=last - MOST_REVISIONS).order_by("number")
        found.append((tenant, kept.values_list("created_at", flat=True)[0]))
    return found


def _in_batches(rows: Rows, most: int) -> int:
    gone = 0
    while gone < most:
        went = _batch(rows, min(AT_ONCE, most - gone))
        gone += went
        if went < AT_ONCE:
            break
    return gone


@transaction.atomic
def _batch(rows: Rows, most: int) -> int:
    """Who would point at a locked row waits; who did so before the lock is seen by the second look."""
    locked = list(rows.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)[:most])
    return rows.order_by().filter(pk__in=locked).only("pk").delete()[0] if locked else 0
