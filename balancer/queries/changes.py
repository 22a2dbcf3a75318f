"""How far an edit has come: from saved to serving on every node."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from balancer.fleet.models import Deployment, DeploymentState, Edit


class ChangeState(StrEnum):
    SAVED = "saved"  # waits until somebody deploys it
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


def state_before(edit: Edit) -> ChangeState:
    """Of an edit that was just made."""
    return ChangeState.SAVED if edit.staged else ChangeState.PENDING


def of(edit: Edit) -> Change:
    """Two queries. An edit that changed nothing HAProxy sees is as live as the revision before it.

    Where a newer revision overtook the edit's own, the edit is as live as that one: it is in it.
    """
    found = Edit.objects.select_related("revision").only("id", "staged", "revision__number").get(pk=edit.pk)
    if found.revision is None:
        return Change(str(edit.pk), None, state_before(found))
    return of_revision(edit.tenant_id, found.revision.number, edit=str(edit.pk))


def of_revision(tenant_id: str, number: int, *, edit: str = "") -> Change:
    """One query."""
    rows = list(
        Deployment.objects.filter(tenant=tenant_id, revision__number__gte=number)
        .alias(live=Q(state=DeploymentState.LIVE))
        .order_by("node__name", "-live", "-generation")
        .distinct("node__name")
        .values_list("node__name", "state")
    )
    waiting = tuple(name for name, state in rows if state != DeploymentState.LIVE)
    return Change(edit, number, merged(Counter(state for _, state in rows)), waiting)


def merged(states: Counter[str]) -> ChangeState:
    """Failed if any node refused or failed; live when all are, or have gone on to something newer."""
    if states[DeploymentState.REFUSED] or states[DeploymentState.FAILED]:
        return ChangeState.FAILED
    if states[DeploymentState.QUEUED] or states[DeploymentState.RELOAD_DUE]:
        return ChangeState.DEPLOYING
    return ChangeState.LIVE
