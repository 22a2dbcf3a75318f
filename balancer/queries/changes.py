"""How far an edit has come: from saved to serving on every node."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from balancer.fleet.models import Deployment, DeploymentState, Edit


class ChangeState(StrEnum):
    PENDING = "pending"  # saved; not yet in a revision
    DEPLOYING = "deploying"
    LIVE = "live"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Change:
    """`waiting` are the nodes that do not run it; empty when it is live."""

    edit: str
    revision: int | None
    state: ChangeState
    waiting: tuple[str, ...] = ()


def of(edit: Edit) -> Change:
    """Two queries. An edit that changed nothing HAProxy sees is as live as the revision before it.

    Where a newer revision overtook the edit's own, the edit is as live as that one: it is in it.
    """
    found = Edit.objects.select_related("revision").only("id", "revision__number").get(pk=edit.pk)
    if found.revision is None:
        return Change(str(edit.pk), None, ChangeState.PENDING)
    rows = list(
        Deployment.objects.filter(tenant=edit.tenant_id, revision__number__gte=found.revision.number)
        .alias(live=Q(state=DeploymentState.LIVE))
        .order_by("node__name", "-live", "-generation")
        .distinct("node__name")
        .values_list("node__name", "state")
    )
    waiting = tuple(name for name, state in rows if state != DeploymentState.LIVE)
    return Change(str(edit.pk), found.revision.number, merged(Counter(state for _, state in rows)), waiting)


def merged(states: Counter[str]) -> ChangeState:
    """Failed if any node refused or failed; live when all are, or have gone on to something newer."""
    if states[DeploymentState.REFUSED] or states[DeploymentState.FAILED]:
        return ChangeState.FAILED
    if states[DeploymentState.QUEUED] or states[DeploymentState.RELOAD_DUE]:
        return ChangeState.DEPLOYING
    return ChangeState.LIVE
