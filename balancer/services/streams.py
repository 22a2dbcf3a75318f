"""A person's own streams, over the API: paused, gone on with, and given a frame at once.

What is meant are the sockets of one topic, which scripts open; the console's pages pause by themselves.
"""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from balancer import broadcast, enqueue
from balancer.broadcast import Topic
from balancer.fleet.models import JOINED, Node
from balancer.queries import store
from balancer.services import nodes
from tenants.models import Tenant
from tenants.scope import platform_scope

TOPICS = (Topic.BACKENDS, Topic.METRICS, Topic.STATUS)  # that have a socket of their own
KEPT_SECONDS = 24 * 3600
ASKED_WITHIN = 2.0  # seconds; later it is no use to a node to read at once


def paused(tenant_id: str, user_id: str) -> list[Topic]:
    """Raises redis.RedisError."""
    kept: Any = store.client().smembers(store.paused_key(tenant_id, user_id))
    return [topic for topic in TOPICS if topic in kept]


def pause(tenant_id: str, user_id: str, topics: Collection[Topic]) -> list[Topic]:
    """No frames of these, to sockets that are open and to those that come, for a day or until they go on. Returns all
    that are paused now. Raises redis.RedisError."""
    key = store.paused_key(tenant_id, user_id)
    pipe = store.client().pipeline()
    pipe.sadd(key, *topics)
    pipe.expire(key, KEPT_SECONDS)
    pipe.execute()
    return _told(tenant_id, user_id)


def resume(tenant_id: str, user_id: str, topics: Collection[Topic]) -> list[Topic]:
    """Raises redis.RedisError."""
    store.client().srem(store.paused_key(tenant_id, user_id), *topics)
    return _told(tenant_id, user_id)


def _told(tenant_id: str, user_id: str) -> list[Topic]:
    now = paused(tenant_id, user_id)
    broadcast.tell_person(tenant_id, user_id, {"type": "streams.paused", "topics": now})
    return now


def force(tenant: Tenant, user_id: str, topics: Collection[Topic], *, now: datetime) -> list[str]:
    """Have the tenant's nodes read now, and each of the person's sockets say what there is. Returns the names of the
    nodes that were asked. Not in a transaction. Raises redis.RedisError."""
    with platform_scope():
        there = list(Node.objects.filter(JOINED, cluster__placements__tenant=tenant.pk).order_by("name"))
    for node in there:
        body = json.dumps({"node": node.pk, "act": "read", "sent_at": now.timestamp()})
        enqueue.read(node.pk, body, nodes.signed(node, body), within=ASKED_WITHIN)
    broadcast.tell_person(tenant.pk, user_id, {"type": "streams.forced", "topics": list(topics)})
    return [node.name for node in there]
