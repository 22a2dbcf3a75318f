"""Gather edits into a revision: a tenant's desired state, numbered, and the snapshot that nodes are composed from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import connection, transaction

from balancer.fleet.models import Act, Deployment, Edit, Node, Revision, Snapshot
from balancer.haproxy import codec, desired
from balancer.queries import desired_state
from balancer.services import deployments, edits
from tenants.actor import Actor
from tenants.models import Tenant

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Edits and the state that holds them, of one moment."""

    edits: list[Edit]
    state: desired.Tenant


def cut(tenant_id: str, *, now: datetime) -> Revision | None:
    """Gather the tenant's edits so far; None when nothing that HAProxy would see has changed.

    In the tenant's scope, outside a transaction. One cut at a time for a tenant; two tenants only meet at the
    cluster's counter. A crash anywhere leaves edits without a revision, which the sweep cuts.
    """
    with one_at_a_time(tenant_id):
        gathered = gather(tenant_id)
        if gathered is None:
            return None
        placed = keep(tenant_id, gathered, now=now)
    if placed is None:
        return None
    deployments.dispatch_new(placed.snapshot, placed.nodes, now=now)
    return placed.revision


@contextmanager
def one_at_a_time(tenant_id: str) -> Iterator[None]:
    """Hold the tenant's cut. A session's lock, not a transaction's: it must be held before the snapshot is taken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('cut ' || %s, 0))", [tenant_id])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended('cut ' || %s, 0))", [tenant_id])


@transaction.atomic
def gather(tenant_id: str) -> Gathered | None:
    """Edits and rows of one moment: an edit that is listed is in the state, one that is not comes with the next cut."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    edits = list(Edit.objects.filter(tenant=tenant_id, revision=None).order_by("id"))
    return Gathered(edits, desired_state.of(Tenant.objects.get(pk=tenant_id))) if edits else None


@dataclass(frozen=True, slots=True)
class Placed:
    """A revision as its cluster's nodes are to have it; `nodes` as they were when it was placed."""

    revision: Revision
    snapshot: Snapshot
    nodes: list[Node]


@transaction.atomic
def keep(tenant_id: str, gathered: Gathered, *, now: datetime) -> Placed | None:
    """Write the revision and its snapshot, unless the digest says that traffic is as it was."""
    digest = codec.digest(gathered.state)
    last = Revision.objects.filter(tenant=tenant_id).defer("state").order_by("-number").first()
    ids = [edit.pk for edit in gathered.edits]
    if last is not None and last.digest == digest:
        Edit.objects.filter(tenant=tenant_id, pk__in=ids).update(revision=last)
        return None
    revision = Revision.objects.create(
        tenant_id=tenant_id,
        number=last.number + 1 if last else 1,
        digest=digest,
        state=codec.to_json(gathered.state),
        by_id=gathered.edits[-1].by_id,
        created_at=now,
    )
    Edit.objects.filter(tenant=tenant_id, pk__in=ids).update(revision=revision)
    request_ids = [edit.request_id for edit in gathered.edits if edit.request_id]
    placed = place(revision, request_ids[-20:], now=now)
    log.info("revision cut", tenant=tenant_id, revision=revision.number, edits=len(ids), request_ids=request_ids[-20:])
    return placed


def place(revision: Revision, request_ids: list[str], *, now: datetime) -> Placed:
    """Make the revision its tenant's newest on its cluster. Last in the transaction: it holds the cluster's counter."""
    cluster_id, generation = next_generation(revision.tenant_id)
    snapshot = Snapshot(
        tenant_id=revision.tenant_id,
        cluster_id=cluster_id,
        revision=revision,
        generation=generation,
        digest=revision.digest,
        state=revision.state,
        request_ids=request_ids,
    )
    newest = ["revision", "generation", "digest", "state", "request_ids"]
    Snapshot.objects.bulk_create(
        [snapshot], update_conflicts=True, unique_fields=["tenant", "cluster"], update_fields=newest
    )
    return Placed(revision, snapshot, deployments.open_for(snapshot, now=now))


@transaction.atomic
def retry(deployment: Deployment, *, by: Actor, now: datetime) -> Revision:
    """Make the tenant's newest revision new to its nodes again, whatever they did with it before."""
    edits.record(Act.RETRY, deployment, by=by, now=now)
    newest = Revision.objects.filter(tenant=deployment.tenant_id).order_by("-number")[:1].get()
    place(newest, [by.request_id] if by.request_id else [], now=now)
    transaction.on_commit(lambda: deployments.dispatch_cluster(newest.tenant_id, now=now))
    return newest


# Raises the counter under its row's lock, held until commit, so that generations commit in order.
NEXT_GENERATION = """
UPDATE fleet_cluster SET generation = generation + 1
WHERE id = (SELECT cluster_id FROM fleet_placement WHERE tenant_id = %s) RETURNING id, generation
"""


def next_generation(tenant_id: str) -> tuple[str, int]:
    """The tenant's cluster and its next generation."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT_GENERATION, [tenant_id])
        cluster_id, generation = cursor.fetchone()
    return cluster_id, generation


def uncut_tenants(limit: int) -> list[str]:
    """Tenants with edits that no revision holds yet. In the platform's scope; one query."""
    found = Edit.objects.filter(revision=None).order_by("tenant_id").values_list("tenant_id", flat=True).distinct()
    return list(found[:limit])
