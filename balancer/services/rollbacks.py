"""Back to what a revision holds, as a new revision, at once."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from balancer.fleet.models import Deployment, DeploymentState, Revision
from balancer.services import edits, names, releases, restoring, trials, writing
from balancer.services.revisions import Making
from tenants.actor import Actor
from tenants.errors import Conflict, NotFound
from tenants.services.trail import audit

UNDER_WAY = (DeploymentState.QUEUED, DeploymentState.RELOAD_DUE)


@dataclass(frozen=True, slots=True)
class RolledBack:
    """`objects`: how many changed; `gone`: edits that waited and that it undid; `live_on`: nodes that served what was
    aborted already."""

    revision: Revision
    objects: int
    gone: int
    live_on: tuple[str, ...] = ()


def rollback(tenant_id: str, number: int, *, by: Actor, now: datetime, note: str = "") -> RolledBack:
    """Raise `NotRestored`, `LimitReached`, `Conflict` or `NotFound`: then nothing is changed. Names are looked up
    first, so that what comes back has addresses at once."""
    kept = restoring.contents_of(tenant_id, number).objects_kept
    with names.first_look(restoring.addresses_in(kept), now=now), transaction.atomic():
        return _rollback(tenant_id, number, by=by, now=now, note=note)


def _rollback(tenant_id: str, number: int, *, by: Actor, now: datetime, note: str) -> RolledBack:
    tenant = edits.hold_tenant()
    kept = restoring.contents_of(tenant_id, number)
    changes = restoring.restore(kept.objects_kept, now=now)
    writing.record(changes, by=by, now=now, staged=False)
    due = releases.waiting(tenant_id)
    gone = sum(edit.staged for edit in due)
    making = Making(note=note or f"Back to r{number}", by=by, anew=True, canary=False)
    revision = releases.release(tenant, due, making=making, now=now)
    releases.let_go_of_hosts(tenant_id)
    audit.record(
        "revision.rollback",
        by=by,
        now=now,
        tenant=tenant,
        thing=revision,
        after={"to": number, "objects": len(changes)},
    )
    return RolledBack(revision, len(changes), gone)


@transaction.atomic
def abort(deployment: Deployment, *, by: Actor, now: datetime) -> RolledBack:
    """Withdraw what not every node serves yet: back to the revision before it that all of them served. What was live on
    some node already is said, and taken back there too. Raise `Conflict` where nothing is under way."""
    edits.hold_tenant()
    tenant_id = deployment.tenant_id
    newest = Revision.objects.filter(tenant=tenant_id).defer("state").order_by("-number")[:1].get()
    rows = list(Deployment.objects.filter(revision=newest).select_related("node").order_by("node__name", "-generation"))
    latest = {row.node_id: row for row in reversed(rows)}
    open_ones = [row for row in latest.values() if row.state in UNDER_WAY]
    if deployment.revision_id != newest.pk or not open_ones:
        raise Conflict(
            "Nothing of this is under way: there is nothing to abort. Roll back to a revision instead.", "done"
        )
    target = last_served(tenant_id, newest)
    live = tuple(row.node.name for row in latest.values() if row.state == DeploymentState.LIVE)
    Deployment.objects.filter(pk__in=[row.pk for row in open_ones]).update(reason="Withdrawn before it began.")
    trials.end(tenant_id, "It was aborted.", now=now)
    done = _rollback(
        tenant_id, target.number, by=by, now=now, note=f"r{newest.number} aborted, back to r{target.number}"
    )
    return RolledBack(done.revision, done.objects, done.gone, live)


def last_served(tenant_id: str, before: Revision) -> Revision:
    """The newest earlier one that was live on some node and of which nothing was refused."""
    served = Revision.objects.filter(
        tenant=tenant_id, number__lt=before.number, deployments__state=DeploymentState.LIVE, contents__isnull=False
    )
    refused = (DeploymentState.REFUSED, DeploymentState.FAILED)
    found = served.exclude(deployments__state__in=refused).defer("state").order_by("-number").first()
    if found is None:
        raise NotFound("No earlier revision was ever served: there is nothing to go back to.")
    return found
