"""Gather edits into a revision: a tenant's desired state, numbered, and the snapshot that nodes are composed from."""

from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import connection, transaction
from django.db.models import Subquery

from balancer import enqueue
from balancer.fleet.models import Act, Contents, Deployment, Edit, Node, Revision, Snapshot
from balancer.haproxy import codec, desired
from balancer.queries import desired_state, names, objects
from balancer.services import beside, deployments, edits, fragments, name_uses, trials, turns
from balancer.services.fragments import Told
from tenants.actor import Actor
from tenants.models import Tenant

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Edits, and the state and the objects that hold them, of one moment."""

    edits: list[Edit]
    state: desired.Tenant
    objects: objects.Document


@dataclass(frozen=True, slots=True)
class Making:
    """How a revision is made where not by a cut alone. `by` None: the author of its last edit. `anew`: even when
    traffic sees no difference. `canary`: whether one node tries it first, for so many seconds; None: as it is set."""

    note: str = ""
    by: Actor | None = None
    anew: bool = False
    canary: bool | None = None


BY_A_CUT = Making()


def cut(tenant_id: str, *, now: datetime) -> Revision | None:
    """Gather the tenant's edits so far; None when nothing that HAProxy would see has changed.

    In the tenant's scope, outside a transaction. One cut at a time for a tenant; two tenants only meet at the
    cluster's counter. A crash anywhere leaves edits without a revision, which the sweep cuts. While one node tries a
    revision, what comes after it waits.
    """
    with turns.in_turn(tenant_id) as mine:
        gathered = gather(tenant_id, now=now) if mine else None
        placed = keep(tenant_id, gathered, now=now) if gathered else None
    if placed is None:
        return None
    deployments.dispatch_new(placed.told, placed.nodes, now=now)
    return placed.revision


def gather(tenant_id: str, *, now: datetime) -> Gathered | None:
    """Edits and rows of one moment: an edit that is listed is in the state, one that is not comes with the next cut."""
    found = of_one_moment(tenant_id)
    if isinstance(found, Gathered):
        return found
    return gather_beside(tenant_id, now=now) if found else None


@transaction.atomic
def of_one_moment(tenant_id: str) -> Gathered | bool:
    """False: nothing is due; True: something is, beside what is staged."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    uncut = list(Edit.objects.filter(tenant=tenant_id, revision=None).order_by("id"))
    due = [edit for edit in uncut if not edit.staged]
    if not due or trials.under_way(tenant_id):
        return False
    if len(due) < len(uncut):
        return True
    document = objects.current()
    return Gathered(due, desired_state.of(Tenant.objects.get(pk=tenant_id), document), document)


@transaction.atomic
def gather_beside(tenant_id: str, *, now: datetime) -> Gathered | None:
    """What is meant at once, upon what was deployed last: the staged changes stay where they are."""
    tenant = edits.hold_tenant()
    due = list(Edit.objects.filter(tenant=tenant_id, revision=None, staged=False).order_by("id"))
    document, put_off = beside.with_edits(last_objects(tenant_id), due)
    Edit.objects.filter(pk__in=[edit.pk for edit in put_off]).update(staged=True)
    due = [edit for edit in due if edit not in put_off]
    return Gathered(due, beside.composed(tenant, document, now=now), document) if due else None


def last_objects(tenant_id: str) -> objects.Document:
    """What the newest revision holds; nothing where there is none."""
    found = Contents.objects.filter(tenant=tenant_id).order_by("-revision__number").first()
    return found.objects_kept if found else {}


@dataclass(frozen=True, slots=True)
class Placed:
    """A revision as its cluster's nodes are to have it; `nodes` as they were when it was placed, those to be told."""

    revision: Revision
    told: Told
    nodes: list[Node] = field(default_factory=list)


@transaction.atomic
def keep(tenant_id: str, gathered: Gathered, *, now: datetime, making: Making = BY_A_CUT) -> Placed | None:
    """Write the revision and its snapshot, unless the digest says that traffic is as it was: what traffic does not see
    belongs to the revision that it came after."""
    state = codec.text(gathered.state)
    digest = codec.digest_of(state)
    last = Revision.objects.filter(tenant=tenant_id).defer("state").order_by("-number").first()
    ids = [edit.pk for edit in gathered.edits]
    if last is not None and last.digest == digest and not making.anew:
        Edit.objects.filter(tenant=tenant_id, pk__in=ids).update(revision=last)
        Contents.objects.update_or_create(
            revision=last, defaults={"tenant_id": tenant_id, "objects_kept": gathered.objects}
        )
        return None
    revision = Revision.objects.create(
        tenant_id=tenant_id,
        number=last.number + 1 if last else 1,
        digest=digest,
        state=fragments.as_json(state),
        by_id=making.by.user_id if making.by else gathered.edits[-1].by_id,
        note=making.note,
        created_at=now,
    )
    del revision.state  # read back where somebody asks
    Contents.objects.create(revision=revision, tenant_id=tenant_id, objects_kept=gathered.objects)
    Edit.objects.filter(tenant=tenant_id, pk__in=ids).update(revision=revision, staged=False)
    request_ids = [edit.request_id for edit in gathered.edits if edit.request_id][-20:]
    only_purges = bool(gathered.edits) and all(edit.act == Act.PURGE for edit in gathered.edits)
    trial = trials.wanted(tenant_id, making.canary) if last is not None and not only_purges else None
    if trial:
        placed = try_out(revision, state, request_ids, trial, now=now)
    else:
        placed = put(revision, state, request_ids, now=now)
    log.info("revision cut", tenant=tenant_id, revision=revision.number, edits=len(ids), request_ids=request_ids)
    return placed


def place(revision: Revision, request_ids: list[str], *, now: datetime) -> Placed:
    """Make the revision its tenant's newest on its cluster. Last in the transaction: it holds the cluster's counter."""
    return put(revision, fragments.state_of(revision), request_ids, now=now)


def put(revision: Revision, state: str, request_ids: list[str], *, now: datetime) -> Placed:
    """The same, with the revision's `state` at hand."""
    trials.end(revision.tenant_id, "It went to all nodes.", now=now)
    name_uses.settle(revision.tenant_id, state, now=now)
    snapshot, told = next_snapshot(revision, state, request_ids)
    put_in_place(snapshot)
    return Placed(revision, told, deployments.open_for(snapshot, now=now))


def put_in_place(snapshot: Snapshot) -> None:
    """Make it the one that its tenant has on its cluster."""
    newest = ["revision", "generation", "digest", "state", "request_ids"]
    Snapshot.objects.bulk_create(
        [snapshot], update_conflicts=True, unique_fields=["tenant", "cluster"], update_fields=newest
    )


def try_out(revision: Revision, state: str, request_ids: list[str], trial: trials.Wanted, *, now: datetime) -> Placed:
    """Give it to one node; the others keep the snapshot that they have until it is seen how that one fares."""
    snapshot, told = next_snapshot(revision, state, request_ids)
    deployments.open_for(snapshot, now=now)
    trials.begin(revision, trial, generation=snapshot.generation, now=now)
    transaction.on_commit(lambda: enqueue.watch(revision.tenant_id))
    return Placed(revision, told, [trial.node])


def next_snapshot(revision: Revision, state: str, request_ids: list[str]) -> tuple[Snapshot, Told]:
    """With the addresses that names have now. Not saved."""
    resolved, digest = names.told(state, revision.digest, revision.tenant_id)
    cluster_id, generation = next_generation(revision.tenant_id)
    # As it is, the database copies it: what was read and packed once is not sent again.
    same = Subquery(Revision.objects.filter(pk=revision.pk).values("state"))
    snapshot = Snapshot(
        tenant_id=revision.tenant_id,
        cluster_id=cluster_id,
        revision=revision,
        generation=generation,
        digest=digest,
        state=same if resolved is state else fragments.as_json(resolved),
        request_ids=request_ids,
    )
    return snapshot, Told(revision.tenant_id, generation, digest, request_ids, resolved)


@transaction.atomic
def retry(deployment: Deployment, *, by: Actor, now: datetime) -> Revision:
    """Make the tenant's newest revision new to its nodes again, whatever they did with it before."""
    edits.record(Act.RETRY, deployment, by=by, now=now)
    newest = Revision.objects.filter(tenant=deployment.tenant_id).defer("state").order_by("-number")[:1].get()
    place_again(newest, by=by, now=now)
    return newest


def place_again(revision: Revision, *, by: Actor, now: datetime) -> None:
    """Inside a transaction; the nodes are told after it."""
    place(revision, [by.request_id] if by.request_id else [], now=now)
    transaction.on_commit(lambda: deployments.dispatch_cluster(revision.tenant_id, now=now))


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
    """Tenants with edits that no revision holds yet, and that nobody staged. In the platform's scope; one query."""
    due = Edit.objects.filter(revision=None, staged=False)
    return list(due.order_by("tenant_id").values_list("tenant_id", flat=True).distinct()[:limit])
