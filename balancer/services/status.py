"""What nodes say about themselves and their servers: kept in Redis, and told to whoever watches.

Called by the tasks `observe` and `report`, which have checked the node's signature. Cost follows what a frame carries:
three round trips to Redis whatever the number of tenants, at most one UPDATE every five seconds, no tenant's schema.

Frames of one node may be worked on at once and out of order. A row is fenced by the frame's own time, inside Redis:
an older frame never overwrites a newer row. What a lost frame leaves wrong, the next full one (30 s) puts right.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import Q

from balancer import broadcast
from balancer.broadcast import Topic
from balancer.fleet.models import Node
from balancer.queries import store
from balancer.services.frames import rows_of, summary_of
from balancer.services.status_scripts import SUMMARY, WRITE
from tenants.scope import platform_scope

log = structlog.get_logger(__name__)

HEARTBEAT_EVERY = timedelta(seconds=5)
ROWS_TTL = 300  # seconds; ten full frames
NODES_TTL = 24 * 3600
END_OF_TIME = "99999999999"


def observe(node: Node, body: Mapping[str, Any], *, now: datetime) -> frozenset[str]:
    """Take one observation in and ring the bells of the tenants it changed; answer their ids.

    Rows with malformed names are left out and counted in the log. Raises redis.RedisError when Redis is away: the
    task is then tried again or dropped, and the next full frame makes up for it.
    """
    rows = rows_of(body)
    if rows.malformed:
        log.warning("observation_has_malformed_names", node=node.name, count=rows.malformed)
    absent: set[str] = set()
    if body["full"]:
        absent = set(_answer(store.client().smembers(store.node_tenants_key(node.name)))) - rows.by_tenant.keys()
    changed = _write(node, body, rows.by_tenant, absent, now)
    _beat(node, str(body["version"] or node.version), now=now)
    broadcast.ring_all([(tenant[1:], topic) for tenant in changed for topic in (Topic.BACKENDS, Topic.STATUS)])
    return frozenset(tenant[1:] for tenant in changed)


def reported(node: Node, tenant_ids: Iterable[str]) -> None:
    """Show what the node's row says since its report, and tell these tenants that a deployment moved on. Call it after
    the report is written down."""
    with platform_scope():
        row = Node.objects.get(pk=node.pk)
    summary = {"id": row.pk, "generation": row.generation, "outcome": row.outcome}
    store.client().eval(SUMMARY, 1, store.NODES, row.name, json.dumps(summary), str(NODES_TTL))
    broadcast.ring_all([(tenant, topic) for tenant in tenant_ids for topic in (Topic.DEPLOYMENTS, Topic.STATUS)])


def forget(node: Node) -> None:
    """Drop what a node that left the fleet had said. What it said of servers no longer counts either way."""
    client = store.client()
    tenants = sorted(_answer(client.smembers(store.node_tenants_key(node.name))))
    script = client.register_script(WRITE)
    pipe = client.pipeline(transaction=False)
    for tenant in tenants:
        script(
            [store.status_key(tenant), store.events_key(tenant)],
            [node.name, END_OF_TIME, "1", str(ROWS_TTL)],
            client=pipe,
        )
    pipe.hdel(store.NODES, node.name)
    pipe.delete(store.node_tenants_key(node.name))
    pipe.execute()


def _write(
    node: Node, body: Mapping[str, Any], rows: Mapping[str, dict[str, str]], absent: set[str], now: datetime
) -> list[str]:
    """One pipeline; answers the keys of the tenants of whom something differs."""
    client = store.client()
    write = client.register_script(WRITE)
    pipe = client.pipeline(transaction=False)
    at, full = f"{float(body['at']):.3f}", "1" if body["full"] else "0"
    told_of = {**rows, **{tenant: {} for tenant in absent}}
    for tenant, told in told_of.items():
        arguments = [node.name, at, full, str(ROWS_TTL)]
        arguments += [part for item in told.items() for part in item]
        write([store.status_key(tenant), store.events_key(tenant)], arguments, client=pipe)
    pipe.eval(SUMMARY, 1, store.NODES, node.name, json.dumps(summary_of(node, body, now=now)), str(NODES_TTL))
    if rows:
        pipe.sadd(store.node_tenants_key(node.name), *rows)
    if absent:
        pipe.srem(store.node_tenants_key(node.name), *absent)
    answers = pipe.execute()
    return [tenant for tenant, changed in zip(told_of, answers, strict=False) if changed]


def _beat(node: Node, version: str, *, now: datetime) -> None:
    """Keep the row's heartbeat for sweeps and for when Redis is empty, at most once in five seconds."""
    due = now - HEARTBEAT_EVERY
    if node.heartbeat_at is not None and node.heartbeat_at > due:
        return
    with platform_scope():
        Node.objects.filter(Q(heartbeat_at=None) | Q(heartbeat_at__lte=due), pk=node.pk).update(
            heartbeat_at=now, version=version[:40]
        )


def _answer(value: Any) -> Any:
    """redis-py types one signature for its blocking and its asyncio client; ours blocks."""
    return value
