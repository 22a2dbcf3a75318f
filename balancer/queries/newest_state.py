"""Is the newest state serving, on how many nodes, and what waits before it? Two queries, for every page's header."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from balancer.fleet.models import Deployment, DeploymentState, Edit, Revision
from balancer.queries.changes import ChangeState, merged

HEARD_WITHIN = timedelta(seconds=20)  # a row keeps a heartbeat each five seconds; offline is after fifteen


@dataclass(frozen=True, slots=True)
class Serving:
    """Of the newest revision; `number` None: there is none yet. `waiting` are nodes that have not taken it, `away`
    those that did and have not been heard from since. `staged` changes wait for somebody, `uncut` ones for a moment."""

    number: int | None
    state: ChangeState
    live: int
    nodes: int
    waiting: tuple[str, ...]
    away: tuple[str, ...]
    staged: int
    uncut: int


def of(tenant_id: str, *, now: datetime) -> Serving:
    newest = Revision.objects.filter(tenant=tenant_id).order_by("-number").values("pk")[:1]
    rows = list(
        Deployment.objects.filter(tenant=tenant_id, revision=newest)
        .alias(live=Q(state=DeploymentState.LIVE))
        .order_by("node__name", "-live", "-generation", "pk")
        .distinct("node__name")
        .values_list("revision__number", "node__name", "state", "node__heartbeat_at")
    )
    kept = dict(
        Edit.objects.filter(tenant=tenant_id, revision=None)
        .order_by()
        .values("staged")
        .annotate(n=Count("pk"))
        .values_list("staged", "n")
    )
    live = [(name, heard) for _, name, state, heard in rows if state == DeploymentState.LIVE]
    uncut = kept.get(False, 0)
    found = merged(Counter(state for _, _, state, _ in rows))
    return Serving(
        number=rows[0][0] if rows else None,
        state=ChangeState.PENDING if uncut and found is not ChangeState.FAILED else found,
        live=len(live),
        nodes=len(rows),
        waiting=tuple(name for _, name, state, _ in rows if state != DeploymentState.LIVE),
        away=tuple(name for name, heard in live if heard is None or heard < now - HEARD_WITHIN),
        staged=kept.get(True, 0),
        uncut=uncut,
    )
