"""Bring nodes to the newest state: tell each what it lacks, and write down what it says."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Greatest

from balancer import enqueue
from balancer.fleet.models import JOINED, Cluster, Deployment, DeploymentState, Node, Outcome, Snapshot, Trial
from balancer.fleet.models.deployment import NOT_TAKEN, OPEN
from balancer.queries import names
from balancer.services import fragments
from balancer.services import nodes as keys
from balancer.services.fragments import Told
from tenants.scope import platform_scope

log = structlog.get_logger(__name__)

AWAY_AFTER = timedelta(seconds=15)  # three heartbeats
ASK_AGAIN_AFTER = timedelta(seconds=8)


def open_for(snapshot: Snapshot, *, now: datetime) -> list[Node]:
    """A deployment per node of the cluster, which are returned; what was still under way for this tenant is
    superseded, and so is what failed of the same revision: this is another attempt at it."""
    earlier = Q(state__in=OPEN) | Q(state__in=NOT_TAKEN, revision=snapshot.revision_id)
    Deployment.objects.filter(earlier, tenant_id=snapshot.tenant_id).update(
        state=DeploymentState.SUPERSEDED, finished_at=Coalesce("finished_at", now)
    )
    nodes = list(Node.objects.filter(JOINED, cluster_id=snapshot.cluster_id))
    Deployment.objects.bulk_create(
        Deployment(
            tenant_id=snapshot.tenant_id,
            revision_id=str(snapshot.revision_id),
            node=node,
            generation=snapshot.generation,
            queued_at=now,
        )
        for node in nodes
    )
    return nodes


def dispatch_new(told: Told, nodes: Sequence[Node], *, now: datetime) -> None:
    """Tell the nodes what was just placed. Who was told all that came before it needs no other look."""
    with platform_scope():
        here = [node for node in nodes if node.heartbeat_at is None or node.heartbeat_at >= now - AWAY_AFTER]
        next_up = [node for node in here if node.asked_generation == told.generation - 1]
        if next_up:
            tell(next_up, [told], since=told.generation - 1, now=now)
        if len(next_up) < len(here):
            dispatch_cluster(told.tenant_id, now=now)


def dispatch_cluster(tenant_id: str, *, now: datetime) -> None:
    """Tell every node of the tenant's cluster what it lacks. A node that is away is told by the sweep on its return."""
    with platform_scope():
        tell_behind(Q(cluster__placements__tenant=tenant_id), now=now)


def tell_cluster(cluster_id: str, *, now: datetime) -> None:
    """The same, for a tenant that is no longer on it. In the platform's scope."""
    tell_behind(Q(cluster=cluster_id), now=now)


def tell_behind(which: Q, *, now: datetime) -> None:
    here = Q(heartbeat_at=None) | Q(heartbeat_at__gte=now - AWAY_AFTER)
    by_since: dict[int, list[Node]] = defaultdict(list)
    behind = Q(asked_generation__lt=F("cluster__generation"))
    for node in Node.objects.filter(JOINED, which, here, behind):
        by_since[node.asked_generation].append(node)
    for since, nodes in by_since.items():
        dispatch(nodes, since=since, now=now)


def dispatch(
    nodes: Sequence[Node], *, since: int, now: datetime, force_reload: bool = False, anew: bool = False
) -> None:
    """Send nodes of one cluster the snapshots that came after `since`, in the platform's scope. `anew`: also what they
    know is to be taken as if they did not.

    The cost follows what changed.
    """
    cluster_id = nodes[0].cluster_id
    # Read before the snapshots: what is committed later has a higher one. A revision that one node tries raises it for
    # the others too, without a snapshot.
    reached = Cluster.objects.values_list("generation", flat=True).get(pk=cluster_id)
    newer = fragments.of(Snapshot.objects.filter(cluster=cluster_id, generation__gt=since).order_by("generation"))
    trying = Trial.objects.filter(node__in=nodes, ended_at=None, generation__gt=since)
    tried: dict[str, list[Told]] = defaultdict(list)
    for trial in trying.select_related("revision").defer("revision__state"):
        tried[trial.node_id].append(told_of(trial))
    for node in nodes:
        if node.pk in tried:
            own = sorted([*newer, *tried[node.pk]], key=lambda one: one.generation)
            tell([node], own, since=since, now=now, reached=reached, force_reload=force_reload, anew=anew)
    rest = [node for node in nodes if node.pk not in tried]
    if rest:
        tell(rest, newer, since=since, now=now, reached=reached, force_reload=force_reload, anew=anew)


def told_of(trial: Trial) -> Told:
    """What only the node that tries it is told."""
    state, digest = names.told(fragments.state_of(trial.revision), trial.revision.digest, trial.tenant_id)
    return Told(trial.tenant_id, trial.generation, digest, [], state)


def tell(
    nodes: Sequence[Node],
    newer: Sequence[Told],
    *,
    since: int,
    now: datetime,
    reached: int = 0,
    force_reload: bool = False,
    anew: bool = False,
) -> None:
    """The message itself, signed for each node. `newer` are all that came after `since`, oldest first; up to
    `reached` there are no others."""
    generation = max(reached, newer[-1].generation if newer else since)
    content = {
        "cluster": nodes[0].cluster_id,
        "since": since,
        "generation": generation,
        "sent_at": now.timestamp(),
        "force_reload": force_reload,
        **({"anew": True} if anew else {}),
    }
    # The states are JSON already, and as long as all else is short.
    common = f'{json.dumps(content)[:-1]}, "fragments": [{", ".join([fragments.written(one) for one in newer])}]'
    for node in nodes:
        body = f'{common}, "node": {json.dumps(node.pk)}, "service": {json.dumps(node.service)}}}'
        enqueue.converge(node.pk, body, keys.signed(node, body))
    Node.objects.filter(pk__in=[node.pk for node in nodes]).update(
        asked_generation=Greatest(F("asked_generation"), generation), asked_at=now
    )


def reload_cluster(tenant_id: str, *, now: datetime) -> list[str]:
    """Have the tenant's nodes load their files anew, even where nothing differs. Each gathers what is asked of it, and
    reloads for a third of its time at most. Returns the names of those that were asked."""
    with platform_scope():
        here = Q(heartbeat_at=None) | Q(heartbeat_at__gte=now - AWAY_AFTER)
        nodes = list(Node.objects.filter(JOINED, here, cluster__placements__tenant=tenant_id).order_by("name"))
        for node in nodes:
            dispatch([node], since=node.asked_generation, now=now, force_reload=True)
        return [node.name for node in nodes]


def sweep(*, now: datetime) -> int:
    """The road without messages: ask again each node that is behind and has been asked long enough ago."""
    behind = Node.objects.filter(
        JOINED,
        ~Q(generation=F("cluster__generation"))
        | Q(outcome__in=[Outcome.BEHIND, Outcome.FAILED])
        | ~Q(service_seen=F("service")),
        Q(asked_at=None) | Q(asked_at__lt=now - ASK_AGAIN_AFTER),
        Q(heartbeat_at=None) | Q(heartbeat_at__gte=now - AWAY_AFTER),
    )
    nodes = list(behind.select_related("cluster"))
    for node in nodes:
        dispatch([node], since=node.generation, now=now)
    return len(nodes)


def reported(node: Node, report: dict[str, Any], *, now: datetime) -> list[str]:
    """Write down what a node says it did; return the ids of the tenants whose deployment moved.

    In the platform's scope.
    """
    behind = report["outcome"] == Outcome.BEHIND
    with transaction.atomic():
        # NO KEY: a cut inserts deployments that point at this node while it holds rows that are closed below.
        held = Node.objects.select_for_update(no_key=True).get(pk=node.pk)
        if report["at"] >= held.reported_at:  # reports may be worked off in another order than they were sent
            note(held, report, now=now)
        moved = close(held, report["tenants"], now=now)
    if behind:
        dispatch([held], since=held.generation, now=now)
    log.info("node reported", node=node.name, outcome=report["outcome"], generation=report["generation"])
    return [deployment.tenant_id for deployment in moved]


def note(node: Node, report: dict[str, Any], *, now: datetime) -> None:
    node.outcome = report["outcome"]
    node.generation = report["generation"]
    node.version = str(report.get("version", ""))[:40]
    node.words = str(report.get("words", ""))
    node.reported_at = report["at"]
    node.heartbeat_at = now
    node.service_seen = str(report.get("service") or node.service_seen)[:8]
    if report["outcome"] == Outcome.BEHIND:
        node.asked_generation = report["generation"]
    node.save()


def close(node: Node, tenants: Sequence[dict[str, Any]], *, now: datetime) -> list[Deployment]:
    """What became of each tenant's newest revision on this node; return the deployments that moved.

    A node that looked at everything again tells of a thousand tenants: three queries, and only what moved is written.
    """
    told = {int(one["generation"]): one for one in tenants}
    here = Deployment.objects.filter(node=node, generation__in=told).exclude(state=DeploymentState.SUPERSEDED)
    news = [
        pk for pk, generation, state in here.values_list("pk", "generation", "state") if moves(state, told[generation])
    ]
    moved = [
        row for row in here.filter(pk__in=news).select_for_update(no_key=True) if take(row, told[row.generation], now)
    ]
    changed = ["state", "reason", "words", "steps", "finished_at"]
    if len(moved) == 1:  # nearly always: a tenth of the work of a statement for many
        moved[0].save(update_fields=changed)
    else:
        Deployment.objects.bulk_update(moved, changed, batch_size=200)
    for row in moved:
        request_ids = told[row.generation].get("request_ids", [])
        log.info("deployment", node=node.name, tenant=row.tenant_id, state=row.state, request_ids=request_ids)
    return moved


def moves(state: str, told: dict[str, Any]) -> bool:
    """Does this say anything new? A wait for the reload does not, after the report of the reload itself."""
    return state in OPEN or told["outcome"] not in (state, DeploymentState.RELOAD_DUE)


def take(deployment: Deployment, told: dict[str, Any], now: datetime) -> bool:
    """Put what was told into the row, not yet saved; False where it is about another tenant."""
    if f"t{deployment.tenant_id}" != told["tenant"]:
        return False
    state = DeploymentState(told["outcome"])
    deployment.state = state
    deployment.reason = str(told.get("reason", ""))[:500]
    deployment.words = str(told.get("words", ""))
    deployment.steps = [*deployment.steps, *told.get("steps", [])][-200:]
    deployment.finished_at = None if state in OPEN else now
    return True
