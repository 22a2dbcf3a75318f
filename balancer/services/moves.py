"""Move a tenant between clusters without a lost request.

Both clusters carry it: the new one gets a snapshot beside the old one's, and what changes meanwhile goes to both. Once
every node of the new cluster says that it is live there, and checks have passed through it, the new one becomes the
tenant's cluster; the old one goes on serving for a grace, in which names and addresses outside are pointed elsewhere,
and then lets go. The row is the work: `balancer.tasks.go_on_with_drains` looks every two seconds at what is open.
"""

from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import F

from balancer.fleet.models import (
    JOINED,
    Cluster,
    Deployment,
    DeploymentState,
    Move,
    MoveEnding,
    Node,
    Placement,
    Snapshot,
)
from balancer.queries import moves, places
from balancer.services import deployments, edits, trials
from tenants.actor import SYSTEM, Actor
from tenants.errors import Conflict, InvalidField
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tenants.services.trail import audit

log = structlog.get_logger(__name__)
# The one that a cut holds (`turns.one_at_a_time`), for as long as the transaction.
SAME_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('cut ' || %s, 0))"


@transaction.atomic
def begin(tenant: Tenant, target: Cluster, *, grace: timedelta, by: Actor, now: datetime) -> Move:
    """In the tenant's scope. Raise `Conflict` where it is under way already, or there is nowhere to go."""
    edits.hold_tenant()
    placement = Placement.objects.select_related("cluster").get(tenant=tenant)
    if Move.objects.filter(tenant=tenant, ended_at=None).exists():
        raise Conflict(f"{tenant} is being moved already. Let that end, or call it off.", "moving")
    if placement.cluster_id == target.pk:
        raise InvalidField("to", f"{tenant} is served by {target} already; name another cluster.", "same_cluster")
    if not target.nodes.filter(JOINED).exists():
        raise InvalidField("to", f"{target} has no nodes: nothing there could serve.", "no_nodes")
    if cordoned := places.cordoned_in(target):
        detail = f"{target} takes no new tenants: {', '.join(cordoned)} is cordoned. Uncordon it, or name another."
        raise InvalidField("to", detail, "cordoned")
    move = Move.objects.create(
        tenant=tenant,
        origin=placement.cluster,
        target=target,
        grace_seconds=round(grace.total_seconds()),
        by_id=by.user_id,
        began_at=now,
    )
    after = {"from": placement.cluster.name, "to": target.name, "grace_seconds": move.grace_seconds}
    audit.record("tenant.move", by=by, now=now, tenant=tenant, thing=move, name=tenant.name, after=after)
    mirror(move, now=now)
    return move


@transaction.atomic
def call_off(move: Move, *, by: Actor, now: datetime) -> Move:
    """In the tenant's scope: back to the cluster that it came from, which serves it still. Raise `Conflict` once that
    one was told to forget it."""
    edits.hold_tenant()
    held = Move.objects.select_for_update().select_related("origin", "target", "tenant").get(pk=move.pk)
    if held.ended_at is not None or held.let_go_at is not None:
        raise Conflict("It is moved already. To have it back, move it to where it was.", "moved")
    _lock_cuts(held.tenant_id)
    if held.switched_at is not None:
        mirror(held, now=now)
        Placement.objects.filter(tenant=held.tenant_id).update(cluster=held.origin)
    held.waits_for, held.ended_at, held.ending = "", now, MoveEnding.CALLED_OFF
    held.save()
    audit.record("tenant.move_called_off", by=by, now=now, tenant=held.tenant, thing=held, name=held.tenant.name)
    forget(held.tenant_id, held.target_id, now=now)
    return held


def go_on_with_all(*, now: datetime) -> None:
    """One step of each that is open. In no scope of a tenant, outside of a transaction."""
    with platform_scope():
        found = list(Move.objects.filter(ended_at=None).select_related("tenant"))
    for move in found:
        with tenant_scope(move.tenant):
            go_on(move, now=now)


@transaction.atomic
def go_on(move: Move, *, now: datetime) -> Move | None:
    """In the tenant's scope. Repeatable at any moment; None where it is over."""
    edits.hold_tenant()
    held = Move.objects.select_for_update().select_related("origin", "target", "tenant")
    found = held.filter(pk=move.pk, ended_at=None).first()
    if found is None:
        return None
    if found.let_go_at is not None:
        _end(found, now=now)
    elif found.switched_at is None:
        _take_over(found, now=now)
    elif found.switched_at + timedelta(seconds=found.grace_seconds) <= now:
        found.let_go_at, found.waits_for = now, ""
        found.let_go_generation = forget(found.tenant_id, found.origin_id, now=now)
        found.save()
    else:
        mirror(found, now=now)
    return found


def _take_over(move: Move, *, now: datetime) -> None:
    """Once the new cluster serves it. No cut comes between the last look and the change of place."""
    _lock_cuts(move.tenant_id)
    there = mirror(move, now=now)
    said = "One node tries a revision first." if trials.under_way(move.tenant_id) else ""
    if there is not None and not said:
        said = moves.lacking(
            move.tenant_id,
            there,
            list(move.origin.nodes.filter(JOINED)),
            list(move.target.nodes.filter(JOINED)),
            now=now,
        )
    move.waits_for = said
    if not said:
        move.switched_at = now
        Placement.objects.filter(tenant=move.tenant_id).update(cluster=move.target)
        log.info("tenant moved", tenant=move.tenant_id, to=move.target.name)
    move.save()
    if not said:
        audit.record("tenant.moved", by=SYSTEM, now=now, tenant=move.tenant, thing=move, name=move.tenant.name)


def _end(move: Move, *, now: datetime) -> None:
    there = moves.still_there(list(move.origin.nodes.filter(JOINED)), move.let_go_generation)
    if there:
        move.waits_for = f"Not forgotten yet by {', '.join(there)}."
    else:
        move.waits_for, move.ended_at, move.ending = "", now, MoveEnding.MOVED
    move.save()


def mirror(move: Move, *, now: datetime) -> Snapshot | None:
    """Give the cluster that is not its own at the moment what its own has; answer that snapshot. None: its own has none
    yet, and there is nothing to carry. Holds the cluster's counter: last in a transaction, or nearly so."""
    here, other = (move.target_id, move.origin_id) if move.switched_at else (move.origin_id, move.target_id)
    own = Snapshot.objects.filter(tenant=move.tenant_id, cluster=here).exclude(state=None).first()
    if own is None:
        return None
    there = Snapshot.objects.filter(tenant=move.tenant_id, cluster=other).exclude(state=None).first()
    if there is not None and (there.revision_id, there.digest) == (own.revision_id, own.digest):
        return there
    values = {"revision_id": own.revision_id, "digest": own.digest, "state": own.state, "request_ids": own.request_ids}
    there = _put(move.tenant_id, other, values, now=now)
    Deployment.objects.filter(
        tenant=move.tenant_id, node__cluster=other, state__in=[DeploymentState.QUEUED, DeploymentState.RELOAD_DUE]
    ).update(state=DeploymentState.SUPERSEDED, finished_at=now)
    Deployment.objects.bulk_create(
        Deployment(
            tenant_id=move.tenant_id,
            revision_id=str(own.revision_id),
            node=node,
            generation=there.generation,
            queued_at=now,
        )
        for node in Node.objects.filter(JOINED, cluster=other)
    )
    return there


def forget(tenant_id: str, cluster_id: str, *, now: datetime) -> int:
    """Have a cluster let go of a tenant; answers the generation at which it does."""
    gone = _put(tenant_id, cluster_id, {"revision": None, "digest": "", "state": None, "request_ids": []}, now=now)
    return gone.generation


def _put(tenant_id: str, cluster_id: str, values: dict[str, object], *, now: datetime) -> Snapshot:
    Cluster.objects.filter(pk=cluster_id).update(generation=F("generation") + 1)
    generation = Cluster.objects.values_list("generation", flat=True).get(pk=cluster_id)
    snapshot, _ = Snapshot.objects.update_or_create(
        tenant_id=tenant_id, cluster_id=cluster_id, defaults={**values, "generation": generation}
    )
    transaction.on_commit(lambda: _tell(cluster_id, now=now))
    return snapshot


def _tell(cluster_id: str, *, now: datetime) -> None:
    with platform_scope():
        deployments.tell_cluster(cluster_id, now=now)


def _lock_cuts(tenant_id: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SAME_LOCK, [tenant_id])
