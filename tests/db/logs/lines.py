"""A node's batch, as the edge makes it."""

from datetime import datetime
from typing import Any

from balancer.edge.lines import Lines
from balancer.fleet.models import Node
from balancer.services import logs
from tenants.models import Tenant
from tenants.scope import platform_scope
from tests.build import cluster
from tests.unit.haproxy.test_access_log import line


def keep(tenant: Tenant, *changes: dict[str, Any], now: datetime, left_out: int = 0) -> None:
    """Through what HAProxy writes, the edge's reader and the service."""
    cluster()
    found = Lines("n1")
    for one in changes:
        proxy = f"{tenant.key}_p{'p' * 12}"
        found.take(line(**{"tenant": tenant.key, "at": now.timestamp(), "proxy": proxy, **one}))
    body = found.batch(now=now.timestamp()) or {"at": now.timestamp(), "lines": {}, "left_out": {}}
    if left_out:
        body["left_out"][tenant.key] = left_out
    with platform_scope():
        logs.keep(Node.objects.get(name="n1"), body, now=now)
