"""The road's own work. Thin: each finds whose it is, and calls a service.

A database that restarts is waited for (`taskbase`); what fails all the same, the sweep repairs.
"""

import json
from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from balancer import enqueue
from balancer.edge.signing import BadSignature
from balancer.fleet.models import Node
from balancer.services import (
    canary,
    deployments,
    domains,
    drains,
    drifts,
    following,
    inspections,
    logs,
    moves,
    names,
    node_keys,
    node_service,
    retention,
    revisions,
    status,
    trials,
)
from tenants import scope
from tenants.taskbase import PlatformTask, TenantTask

log = structlog.get_logger(__name__)
MOST_AT_ONCE = 500
DOMAINS_AT_ONCE = 15  # each may take ten seconds


@shared_task(name="balancer.tasks.cut", base=TenantTask)
def cut() -> None:
    """Gather the tenant's edits into a revision."""
    revisions.cut(scope.required().tenant_id, now=timezone.now())


@shared_task(name="balancer.tasks.watch_trial", base=TenantTask)
def watch_trial(once: bool = False) -> None:
    """Look how a node fares with what it tries, and again in a second while that is open, unless `once`."""
    tenant_id = scope.required().tenant_id
    if canary.watch(tenant_id, now=timezone.now()) is canary.Step.WAITING and not once:
        enqueue.watch(tenant_id)


@shared_task(name="balancer.tasks.report", base=PlatformTask)
def report(node_id: str, body: str, signature: str) -> None:
    """What a node says it did."""
    if (heard := word_of(node_id, body, signature)) is not None:
        node, told = heard
        status.reported(node, deployments.reported(node, told, now=timezone.now()))


@shared_task(name="balancer.tasks.observe", base=PlatformTask)
def observe(node_id: str, body: str, signature: str) -> None:
    """What a node's HAProxy shows."""
    if (heard := word_of(node_id, body, signature)) is not None:
        node, told = heard
        now = timezone.now()
        status.observe(node, told, now=now)
        drifts.noted(node, told, now=now)


@shared_task(name="balancer.tasks.looked", base=PlatformTask)
def looked(node_id: str, body: str, signature: str) -> None:
    """What a node has of a tenant, for whoever asked."""
    if (heard := word_of(node_id, body, signature)) is not None:
        node, told = heard
        inspections.answered(node, told)


@shared_task(name="balancer.tasks.keep_lines", base=PlatformTask)
def keep_lines(node_id: str, body: str, signature: str) -> None:
    """A second's lines of a node's access log."""
    if (heard := word_of(node_id, body, signature)) is not None:
        node, told = heard
        logs.keep(node, told, now=timezone.now())


@shared_task(name="balancer.tasks.sweep", base=PlatformTask)
def sweep() -> None:
    """The road without messages: what was not cut, and who is behind."""
    for tenant_id in revisions.uncut_tenants(MOST_AT_ONCE):
        enqueue.cut(tenant_id)
    for tenant_id in trials.all_under_way():
        enqueue.watch(tenant_id, once=True)
    asked = deployments.sweep(now=timezone.now())
    if asked:
        log.info("sweep", nodes_asked=asked)


@shared_task(name="balancer.tasks.go_on_with_drains", base=PlatformTask)
def go_on_with_drains() -> None:
    """Carry out what follows a drain, once nobody is left or its deadline is over; and go on with tenants and
    nodes that leave."""
    drains.go_on_with_all(now=timezone.now())
    moves.go_on_with_all(now=timezone.now())
    node_service.go_on_with_all(now=timezone.now())


@shared_task(name="balancer.tasks.look_up_names", base=PlatformTask)
def look_up_names() -> None:
    """Ask again for the names whose answers have run out, and have the nodes told where they lead elsewhere."""
    names.look_at_due(now=timezone.now())
    for tenant_id in names.behind(MOST_AT_ONCE):
        enqueue.follow(tenant_id)


@shared_task(name="balancer.tasks.follow_names", base=TenantTask)
def follow_names() -> None:
    """Tell the tenant's nodes where its names lead now."""
    following.follow(scope.required().tenant_id, now=timezone.now())


@shared_task(name="balancer.tasks.look_at_domains", base=PlatformTask)
def look_at_domains() -> None:
    """Forget claims that nobody proved, and look again at what was proven."""
    domains.sweep(now=timezone.now(), most=DOMAINS_AT_ONCE)


@shared_task(name="balancer.tasks.forget_revisions", base=PlatformTask)
def forget_revisions() -> None:
    """Let go of what is older than plans keep it, and needed by nothing."""
    gone = retention.forget_old(now=timezone.now())
    if gone:
        log.info("forgotten", rows=gone)


def word_of(node_id: str, body: str, signature: str) -> tuple[Node, Any] | None:
    """The node and what it says; None where that is not signed with a key of its that counts, or it was removed. Who
    looks at the node is shown that."""
    try:
        node = node_keys.proven(node_id, body, signature, now=timezone.now())
    except BadSignature as error:
        log.warning("not heard", node=node_id, error=str(error))
        return None
    return node, json.loads(body)
