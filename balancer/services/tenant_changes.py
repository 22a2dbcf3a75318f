"""What a tenant's own life means for its traffic: told to the nodes by the road that every other change takes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from balancer.fleet.models import Act, Placement, Snapshot
from balancer.services import deployments, edits, logs, moves, revisions
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope


def changed(tenant: Tenant, *, by: Actor, now: datetime, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Its status or its plan, one of `settings.TENANT_CHANGED_STEPS`: an edit, so that a revision is cut of it."""
    with tenant_scope(tenant):
        edits.put_out(Act.UPDATE, tenant, by=by, now=now, before=dict(before), after=dict(after))


def leave(tenant: Tenant, *, now: datetime) -> None:
    """It leaves its cluster for good, one of `settings.TENANT_PURGE_STEPS`.

    What says so outlives the tenant: a node that is away is told when it returns.
    """
    transaction.on_commit(lambda: logs.forget(tenant.key))
    placement = Placement.objects.filter(tenant=tenant).first()
    if placement is None:
        return
    # One that is being moved is carried by another cluster as well.
    carried = Snapshot.objects.filter(tenant=tenant).exclude(state=None).exclude(cluster=placement.cluster_id)
    for other in carried.order_by("cluster").values_list("cluster", flat=True):
        moves.forget(tenant.pk, other, now=now)
    cluster_id, generation = revisions.next_generation(tenant.pk)
    Snapshot.objects.update_or_create(
        tenant=tenant,
        cluster_id=cluster_id,
        defaults={"revision": None, "generation": generation, "digest": "", "state": None, "request_ids": []},
    )
    transaction.on_commit(lambda: tell(cluster_id, now=now))


def tell(cluster_id: str, *, now: datetime) -> None:
    with platform_scope():
        deployments.tell_cluster(cluster_id, now=now)
