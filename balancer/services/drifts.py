"""Write down what a node found to run otherwise than it was told, and that it was put right: who looks for it at night
finds both in the tenant's audit trail, with the lines."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from balancer.fleet.models import Node
from balancer.queries import drifts, store
from tenants.actor import SYSTEM
from tenants.models import Tenant
from tenants.services.trail import audit

log = structlog.get_logger(__name__)
LINES_MOST = 50
LINE_MOST = 300
NODE = replace(SYSTEM, through="node")


def noted(node: Node, body: Mapping[str, Any], *, now: datetime) -> None:
    """From a frame, in the platform's scope. Only what differs from the frame before is written; an older frame that
    comes late says nothing. Raises redis.RedisError."""
    before, lines, at = drifts.of_node(node.name), by_tenant(body.get("drift", ())), float(body["at"])
    if lines == before.lines or at < before.at:
        return
    _write(node, before.lines, lines, now=now)
    if lines:
        store.client().hset(store.DRIFT, node.name, json.dumps({"at": at, "lines": lines}))
    else:
        store.client().hdel(store.DRIFT, node.name)


def by_tenant(told: Any) -> dict[str, list[str]]:
    """`t<id> <line>` each; whatever else a node says is left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in list(told)[:LINES_MOST]:
        key, _, words = str(line).partition(" ")
        if key.startswith("t") and words:
            found[key[1:]].append(words[:LINE_MOST])
    return dict(found)


@transaction.atomic
def _write(node: Node, before: drifts.Lines, after: drifts.Lines, *, now: datetime) -> None:
    """A node speaks of the tenants that it carries, and of nobody else's."""
    carried = Tenant.objects.filter(pk__in={*before, *after}, snapshots__cluster=node.cluster_id)
    for tenant in carried.order_by("pk").distinct():
        found, was = after.get(tenant.pk, []), before.get(tenant.pk, [])
        if found == was:
            continue
        log.warning("drift", node=node.name, tenant=tenant.pk, lines=found)
        audit.record(
            "drift.found" if found else "drift.restored",
            by=NODE,
            now=now,
            tenant=tenant,
            thing=node,
            name=node.name,
            before={} if found else {"lines": was},
            after={"lines": found} if found else {},
        )
