"""What one node shows of one tenant now, to be compared with what it showed before."""

import json
from typing import Any

import redis

from balancer.queries import store
from balancer.queries.observed import Oper

USABLE = frozenset({Oper.UP, Oper.NOCHECK, Oper.STARTING})


def seen(tenant_key: str, node: str) -> dict[str, Any]:
    """`requests` and `errors` (5xx) as counted since the node's worker started, `pools`: key → healthy and ready
    backends, all that are ready. Empty counts when Redis is away."""
    try:
        rows: Any = store.client().hgetall(store.status_key(tenant_key))
    except redis.RedisError:
        rows = {}
    found: dict[str, Any] = {"requests": 0, "errors": 0, "pools": {}}
    for field, text in rows.items():
        name, _, where = field.partition("|")
        if where != node or name.startswith("l"):  # a listener's
            continue
        told = json.loads(text)
        pool, slash, _server = name.partition("/")
        if not slash:
            found["requests"] += told["requests"]
            found["errors"] += told["errors_5xx"]
        elif told["admin"] == "ready":
            up, total = found["pools"].get(pool, (0, 0))
            found["pools"][pool] = (up + (told["oper"] in USABLE), total + 1)
    return found
