"""A tenant's own access lines: its newest, in a ring in Redis that ends by itself.

Nodes send about a batch a second (`balancer/edge/lines.py`), already bounded. No database but for what the tenants'
plans say about how long, which is remembered for a minute. A batch that is lost is lost: lines are no record.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from threading import Lock
from typing import Any

import redis
import structlog

from balancer.fleet.models import Node
from balancer.haproxy.access_log import PER_SECOND
from balancer.queries import store
from billing.queries import limits
from tenants.scope import platform_scope

log = structlog.get_logger(__name__)

MOST = 2000  # lines of a tenant
DAY_S = 86_400
REMEMBERED_S = 60.0
MOST_REMEMBERED = 10_000
TENANT = re.compile(r"t[a-z2-7]{12}")

_days: dict[str, tuple[float, int]] = {}  # tenant's id -> when that was read, days
_lock = Lock()


def keep(node: Node, body: Mapping[str, Any], *, now: datetime) -> None:
    """Add a batch, in one round trip to Redis. Raises redis.RedisError."""
    told: dict[str, list[str]] = {}
    for tenant, lines in body["lines"].items():
        told[tenant] = [json.dumps({**line, "node": node.name}) for line in lines[:PER_SECOND]]
    for tenant, count in body["left_out"].items():
        told.setdefault(tenant, []).append(json.dumps({"left_out": int(count), "at": float(body["at"])}))
    days = _retention([tenant[1:] for tenant in told if TENANT.fullmatch(tenant)], now.timestamp())
    pipe = store.client().pipeline(transaction=False)
    for tenant, texts in told.items():
        kept = days.get(tenant[1:])
        if kept is None:  # a tenant that is no more
            continue
        key = store.logs_key(tenant)
        for text in texts:
            pipe.xadd(key, {"line": text}, maxlen=MOST, approximate=False)
        pipe.xtrim(key, minid=int((now.timestamp() - kept * DAY_S) * 1000), approximate=False)
        pipe.expire(key, kept * DAY_S)
    pipe.execute()


def forget(tenant_key: str) -> None:
    """A purged tenant's. With Redis away they end by themselves."""
    try:
        store.client().delete(store.logs_key(tenant_key))
    except redis.RedisError as error:
        log.warning("lines not deleted, they will expire", tenant=tenant_key, error=str(error))


def _retention(tenant_ids: list[str], moment: float) -> dict[str, int]:
    """Days by tenant's id; who is unknown is absent."""
    with _lock:
        found = {one: _days[one][1] for one in tenant_ids if one in _days and moment - _days[one][0] < REMEMBERED_S}
    missing = [one for one in tenant_ids if one not in found]
    if missing:
        with platform_scope():
            read = limits.retention_of(missing)
        with _lock:
            if len(_days) > MOST_REMEMBERED:
                _days.clear()
            _days.update({one: (moment, days) for one, days in read.items()})
        found |= read
    return found
