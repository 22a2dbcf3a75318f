"""The road's own work. Thin: each finds whose it is, and calls a service."""

import json

import structlog
from celery import shared_task
from django.utils import timezone

from balancer import enqueue
from balancer.edge import signing
from balancer.fleet.models import Node
from balancer.services import deployments, revisions, status
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope

log = structlog.get_logger(__name__)
MOST_AT_ONCE = 500


@shared_task(name="balancer.tasks.cut")
def cut(tenant_id: str) -> None:
    """A tenant that is gone fails the task: nothing is ever done in its place."""
    with platform_scope():
        tenant = Tenant.objects.get(pk=tenant_id)
    with tenant_scope(tenant):
        revisions.cut(tenant, now=timezone.now())


@shared_task(name="balancer.tasks.report")
def report(node_id: str, body: str, signature: str) -> None:
    """What a node says it did."""
    with platform_scope():
        node = Node.objects.select_related("cluster").get(pk=node_id)
        signing.verify(node.key, body, signature)
        tenants = deployments.reported(node, json.loads(body), now=timezone.now())
        status.reported(node, tenants)


@shared_task(name="balancer.tasks.observe")
def observe(node_id: str, body: str, signature: str) -> None:
    """What a node's HAProxy shows."""
    with platform_scope():
        node = Node.objects.select_related("cluster").get(pk=node_id)
        signing.verify(node.key, body, signature)
        status.observe(node, json.loads(body), now=timezone.now())


@shared_task(name="balancer.tasks.sweep")
def sweep() -> None:
    """The road without messages: what was not cut, and who is behind."""
    with platform_scope():
        for tenant_id in revisions.uncut_tenants(MOST_AT_ONCE):
            enqueue.cut(tenant_id)
        asked = deployments.sweep(now=timezone.now())
    if asked:
        log.info("sweep", nodes_asked=asked)
