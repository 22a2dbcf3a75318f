"""The road's own work. Thin: each finds whose it is, and calls a service.

A database that restarts is waited for (`taskbase`); what fails all the same, the sweep repairs.
"""

import json

import structlog
from celery import shared_task
from django.utils import timezone

from balancer import enqueue
from balancer.edge import signing
from balancer.fleet.models import Node
from balancer.services import (
    canary,
    deployments,
    domains,
    drains,
    drifts,
    logs,
    moves,
    node_service,
    nodes,
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
    node = proven(node_id, body, signature)
    tenants = deployments.reported(node, json.loads(body), now=timezone.now())
    status.reported(node, tenants)


@shared_task(name="balancer.tasks.observe", base=PlatformTask)
def observe(node_id: str, body: str, signature: str) -> None:
    """What a node's HAProxy shows."""
    node = proven(node_id, body, signature)
    told, now = json.loads(body), timezone.now()
    status.observe(node, told, now=now)
    drifts.noted(node, told, now=now)


@shared_task(name="balancer.tasks.keep_lines", base=PlatformTask)
def keep_lines(node_id: str, body: str, signature: str) -> None:
    """A second's lines of a node's access log."""
    node = proven(node_id, body, signature)
    logs.keep(node, json.loads(body), now=timezone.now())


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


def proven(node_id: str, body: str, signature: str) -> Node:
    """The node, if it signed this. Raise `BadSignature`."""
    node = Node.objects.select_related("cluster").get(pk=node_id)
    signing.verify(nodes.key_of(node), body, signature)
    return node
