"""One node first: watch it, then give the revision to all of them, or take it back, by itself and with the reason."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from django.db import transaction

from balancer import enqueue
from balancer.fleet.models import Deployment, DeploymentState, Edit, Revision, Snapshot, Trial
from balancer.models import Pool
from balancer.queries import objects, one_node
from balancer.services import deployments, edits, releases, restoring, revisions, trials, writing
from balancer.services.revisions import Making
from tenants.actor import SYSTEM
from tenants.errors import Refused
from tenants.models import Tenant
from tenants.services.trail import audit

log = structlog.get_logger(__name__)
PATIENCE = timedelta(seconds=60)  # for a node that says nothing of it


class Step(StrEnum):
    WAITING = "waiting"
    PROMOTED = "promoted"
    HALTED = "halted"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Verdict:
    step: Step
    reason: str = ""


@transaction.atomic
def watch(tenant_id: str, *, now: datetime) -> Step:
    """Look at the tenant's trial, and end it when it is time. In the tenant's scope; safe to repeat."""
    tenant = edits.hold_tenant()
    trial = Trial.objects.select_related("node", "revision").filter(tenant=tenant_id, ended_at=None).first()
    if trial is None:
        return Step.NONE
    verdict = judged(trial, now=now)
    if verdict.step is Step.PROMOTED:
        promote(tenant, trial, now=now)
    elif verdict.step is Step.HALTED:
        halt(tenant, trial, verdict.reason, now=now)
    return verdict.step


def judged(trial: Trial, *, now: datetime) -> Verdict:
    deployment = trials.deployment_of(trial)
    refusal = trials.refused(deployment)
    if refusal:
        return Verdict(Step.HALTED, f"{trial.node.name} did not take it: {refusal}")
    if trial.watched_from is None:
        if deployment is None or deployment.state != DeploymentState.LIVE:
            late = now - trial.began_at > PATIENCE
            return Verdict(Step.HALTED, f"{trial.node.name} did not answer.") if late else Verdict(Step.WAITING)
        trial.watched_from = now
        trial.save(update_fields=["watched_from"])
    seen = one_node.seen(f"t{trial.tenant_id}", trial.node.name)
    done = now - trial.watched_from >= timedelta(seconds=trial.seconds)
    names = {pool.key: pool.name for pool in Pool.objects.all()}
    reason = trials.worse(trial.before, seen, names=names, done=done)
    if reason:
        return Verdict(Step.HALTED, f"On {trial.node.name}: {reason}")
    return Verdict(Step.PROMOTED if done else Step.WAITING)


def promote(tenant: Tenant, trial: Trial, *, now: datetime) -> None:
    """To all nodes; what waited meanwhile is cut after it."""
    trials.end(tenant.pk, f"Nothing got worse on {trial.node.name} in {trial.seconds} s.", now=now)
    revisions.place(trial.revision, [], now=now)
    audit.record("revision.promote", by=SYSTEM, now=now, tenant=tenant, thing=trial.revision)
    transaction.on_commit(lambda: deployments.dispatch_cluster(tenant.pk, now=now))
    transaction.on_commit(lambda: enqueue.cut(tenant.pk))
    log.info("canary promoted", tenant=tenant.pk, revision=trial.revision.number)


def halt(tenant: Tenant, trial: Trial, reason: str, *, now: datetime) -> None:
    """Back to what the other nodes serve, as a new revision. Staged changes wait again, to be mended; else the objects
    go back, but for what somebody changed since."""
    halted = trial.revision
    trials.end(tenant.pk, reason, now=now)
    said = f"Halted: {reason}"[:500]
    mine = Deployment.objects.filter(revision=halted, generation=trial.generation)
    mine.filter(node=trial.node).update(state=DeploymentState.FAILED, reason=said, finished_at=now)
    mine.exclude(node=trial.node).update(state=DeploymentState.SUPERSEDED, reason=said, finished_at=now)
    before = served_elsewhere(tenant, halted)
    kept = restoring.contents_of(tenant.pk, before.number).objects_kept
    making = Making(note=f"r{halted.number} halted, back to r{before.number}: {reason}"[:500], by=SYSTEM, anew=True,
                    canary=False)  # fmt: skip
    if edits.stages(tenant.pk):
        Edit.objects.filter(revision=halted).update(revision=None, staged=True)
        due: list[Edit] = []
        revision = releases.release(tenant, due, making=making, now=now, document=kept)
    else:
        go_back(kept, restoring.contents_of(tenant.pk, halted.number).objects_kept, now=now)
        revision = releases.release(tenant, releases.waiting(tenant.pk), making=making, now=now)
    audit.record(
        "revision.halt", by=SYSTEM, now=now, tenant=tenant, thing=halted, after={"now": revision.number}, detail=reason
    )
    log.warning("canary halted", tenant=tenant.pk, revision=halted.number, reason=reason)


def served_elsewhere(tenant: Tenant, halted: Revision) -> Revision:
    """What the other nodes were told last."""
    snapshot = Snapshot.objects.select_related("revision").filter(tenant=tenant.pk, revision__isnull=False)
    found = snapshot.order_by("-generation").first()
    if found is not None and found.revision is not None:
        return found.revision
    return Revision.objects.filter(tenant=tenant, number__lt=halted.number).order_by("-number")[:1].get()


def go_back(kept: objects.Document, halted: objects.Document, *, now: datetime) -> None:
    """Only what the halted revision changed, where nobody has changed it since; all of it, where that does not hold
    together."""
    here = objects.current()
    target = {kind: dict(here.get(kind, {})) for kind in objects.KINDS}
    for kind in objects.KINDS:
        for pk in kept.get(kind, {}).keys() | halted.get(kind, {}).keys():
            was, tried = kept.get(kind, {}).get(pk), halted.get(kind, {}).get(pk)
            if was == tried or here.get(kind, {}).get(pk) != tried:
                continue
            if was is None:
                target[kind].pop(pk, None)
            else:
                target[kind][pk] = dict(was)
    try:
        with transaction.atomic():
            changes = restoring.restore(target, now=now)
    except Refused:
        changes = restoring.restore(kept, now=now)
    writing.record(changes, by=SYSTEM, now=now, staged=False)
