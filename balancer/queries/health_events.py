"""What happened to servers' health, newest first: as long as Redis remembers it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from balancer.haproxy.naming import id_and_moves
from balancer.queries import store
from balancer.queries.status_json import moment

MOST = 100


@dataclass(frozen=True, slots=True)
class HealthEvent:
    """On one node. `check` is HAProxy's word (`L4CON`), `at` is epoch seconds."""

    pool: str
    backend: str
    node: str
    before: str
    after: str
    check: str
    code: int | None
    detail: str
    at: float


def newest(tenant_key: str, *, backend: str = "") -> list[HealthEvent]:
    """Of the tenant, or of one backend by its id. None while Redis is away."""
    try:
        events = read(tenant_key)
    except redis.RedisError:
        return []
    return [event for event in events if backend in ("", event.backend)]


def read(tenant_key: str) -> list[HealthEvent]:
    """Of the tenant. Raises redis.RedisError."""
    texts: Any = store.client().lrange(store.events_key(tenant_key), 0, MOST - 1)
    return [_event(json.loads(text)) for text in texts]


def event_json(event: HealthEvent) -> dict[str, Any]:
    return {
        "backend": event.backend,
        "node": event.node,
        "before": event.before,
        "after": event.after,
        "check": event.check,
        "code": event.code,
        "detail": event.detail,
        "at": moment(event.at),
    }


def _event(told: Mapping[str, Any]) -> HealthEvent:
    row = told["row"]
    pool, _, server = told["field"].rpartition("/")
    return HealthEvent(
        pool=pool.removeprefix("p"),
        backend=id_and_moves(server)[0],
        node=told["node"],
        before=told["before"],
        after=row["oper"],
        check=row["check"],
        code=row["code"],
        detail=row["detail"],
        at=told["at"],
    )
