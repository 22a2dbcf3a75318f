"""What one node shows of one tenant now, to be compared with what it showed before."""

import json
from datetime import datetime
from typing import Any

import redis

from balancer.queries import store
from balancer.queries.observed import Oper

WINDOW_S = 300
WINDOW_LINES = 500  # the newest of all nodes
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


def lately(tenant_key: str, node: str, *, now: datetime) -> dict[str, int]:
    """`requests` that the node's access log has of the last `seconds`, and `errors` (5xx) among them, of those that
    came to a pool: the counters know nothing of when. HAProxy writes fifty lines of a tenant a second at most, whatever
    their status, so a share of them is one of all. Nothing when Redis is away."""
    try:
        entries: Any = store.client().xrevrange(store.logs_key(tenant_key), count=WINDOW_LINES)
    except redis.RedisError:
        entries = []
    since = now.timestamp() - WINDOW_S
    lines = [json.loads(fields["line"]) for _, fields in entries]
    mine = [
        line for line in lines
        if line.get("node") == node and "_p" in line.get("proxy", "") and line["at"] >= since
    ]  # fmt: skip
    oldest = min((line["at"] for line in mine), default=now.timestamp())
    return {
        "requests": len(mine),
        "errors": sum(line["status"] >= 500 for line in mine),
        "seconds": max(1, round(now.timestamp() - oldest)),
    }
