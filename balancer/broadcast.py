"""What open browsers are told: that something of a tenant's changed, by topic. Each socket's process then looks.

A bell carries no data, so a lost or late one loses nothing and none can carry another tenant's. Group names are built
here and nowhere else, from a tenant's id, never from what a client sends.
"""

import secrets
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import redis
import structlog
from channels.layers import get_channel_layer
from django.conf import settings

from balancer.queries import store

log = structlog.get_logger(__name__)


class Topic(StrEnum):
    BACKENDS = "backends"
    STATUS = "status"
    DEPLOYMENTS = "deployments"
    METRICS = "metrics"


BELL = "bell.rung"
# What is made of the same frames is told by the same bell.
RINGS_WITH = {Topic.METRICS: Topic.BACKENDS}


def group(tenant_id: str, topic: Topic) -> str:
    return f"t.{tenant_id}.{RINGS_WITH.get(topic, topic)}"


def persons_group(tenant_id: str, user_id: str) -> str:
    """A person's own sockets of a tenant."""
    return f"t.{tenant_id}.u.{user_id}"


def ring(tenant_id: str, *topics: Topic) -> None:
    """Tell every process that holds a socket of this tenant. Call it after the commit. Redis away: nobody is told;
    sockets look for themselves every few seconds."""
    ring_all([(tenant_id, topic) for topic in topics])


def ring_all(bells: Iterable[tuple[str, Topic]]) -> None:
    """One round trip, from any thread. Speaks the channel layer's wire form itself: `group_send` from a thread would
    make an event loop and a Redis connection for each call."""
    bell_id = secrets.token_hex(8)  # one for all of its topics: they are one reason to look
    pipe = store.client().pipeline(transaction=False)
    for tenant_id, topic in bells:
        message = {"type": BELL, "topic": topic.value, "id": bell_id}
        pipe.publish(*_wired(group(tenant_id, topic), message))
    try:
        pipe.execute()
    except redis.RedisError as error:
        log.warning("bells_not_rung", error=str(error))


def tell_person(tenant_id: str, user_id: str, message: Mapping[str, Any]) -> None:
    """To each of a person's own sockets. Raises redis.RedisError: who asked for it is told that it was not done."""
    store.client().publish(*_wired(persons_group(tenant_id, user_id), message))


def _wired(group_name: str, message: Mapping[str, Any]) -> tuple[str, bytes]:
    layer: Any = get_channel_layer()
    prefix = settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"]  # type: ignore[index]
    return f"{prefix}__group__{group_name}", layer.serialize(dict(message))
