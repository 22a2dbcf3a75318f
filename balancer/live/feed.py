"""A tenant as this process shows it: read once for all its sockets, whatever their number.

A bell makes it look; between bells it looks when a node's word grows old, and by itself every `LOOK_SECONDS`, so that
a lost bell costs seconds. Everything in it is of the one tenant it was made for.
"""

import asyncio
import time
from datetime import UTC, datetime
from weakref import WeakValueDictionary

import redis
import structlog

from balancer.broadcast import Topic
from balancer.live import metrics
from balancer.live.rates import Rates
from balancer.live.source import Source
from balancer.live.view import Items, View
from balancer.queries.observed import Oper
from balancer.queries.status import TenantSnapshot, node_statuses, pool_rows, snapshot_of
from balancer.queries.status_json import address_frame, backend_frame, node_frame, pool_frame

log = structlog.get_logger(__name__)

LOOK_SECONDS = 10.0
APART_SECONDS = 0.1  # two reads
AGE_SECONDS = 0.5  # two looks at how old the nodes are
SECTIONS = {
    Topic.BACKENDS: ("backends", "pools"),
    Topic.STATUS: ("nodes", "parts", "totals"),
    Topic.DEPLOYMENTS: ("deployments",),
    Topic.METRICS: ("tenant", "pools"),
}


class Feed:
    """Held by the sockets of its tenant; gone with the last of them."""

    _open: "WeakValueDictionary[tuple[int, str, str], Feed]" = WeakValueDictionary()

    def __init__(self, tenant_key: str, cluster_id: str) -> None:
        self._tenant_key, self._cluster_id = tenant_key, cluster_id
        self._source = Source.here()
        self._lock = asyncio.Lock()
        self._views: dict[Topic, View] = {}
        self._rows: dict[str, str] = {}
        self._bell = ""
        self._due = True
        self._moved = 0
        self._read_at = self._looked_at = 0.0
        self._around: object = None
        self._rates: Rates | None = None  # from when somebody watches them

    @classmethod
    def of(cls, tenant_key: str, cluster_id: str) -> "Feed":
        key = (id(asyncio.get_running_loop()), tenant_key, cluster_id)
        feed = cls._open.get(key)
        if feed is None:
            feed = cls._open[key] = cls(tenant_key, cluster_id)
        return feed

    def bell(self, topic: Topic, bell_id: str) -> None:
        """Every socket of the tenant hears the same bell: it is one reason to look."""
        if bell_id != self._bell:
            self._bell, self._due = bell_id, True
        if topic is Topic.DEPLOYMENTS:
            self._moved = int(time.time())

    def look_again(self) -> None:
        """For one who has just joined: a feed that nobody held for a moment heard no bells."""
        self._due = True

    async def view(self, topic: Topic) -> View:
        async with self._lock:
            if topic is Topic.METRICS and self._rates is None:
                self._rates, self._due = Rates(), True
            await self._look()
            return self._views[topic]

    async def _look(self) -> None:
        began = time.monotonic()
        read = self._due or began - self._read_at > LOOK_SECONDS
        if not read and began - self._looked_at < AGE_SECONDS:
            return
        if read:
            await asyncio.sleep(max(0.0, self._read_at + APART_SECONDS - began))
            self._due, self._read_at = False, time.monotonic()
            await self._read()
        nodes = await self._source.nodes()
        self._looked_at, now = time.monotonic(), datetime.now(UTC)
        known = {name: node_frame(node) for name, node in node_statuses(nodes, now).items()}
        around = (known, self._source.parts())
        if read or around != self._around:
            self._around = around
            self._show(snapshot_of(nodes, self._rows, now=now, cluster=self._cluster_id), around[1])

    async def _read(self) -> None:
        try:
            self._rows = await self._source.rows(self._tenant_key)
        except redis.RedisError as error:
            log.warning("status_not_read", tenant=self._tenant_key, error=type(error).__name__)

    def _show(self, snapshot: TenantSnapshot, parts: dict[str, str]) -> None:
        made: dict[Topic, Items] = {
            Topic.BACKENDS: _backends(snapshot),
            Topic.STATUS: _status(snapshot, parts),
            Topic.DEPLOYMENTS: {("deployments", "moved"): {"at": self._moved}},
        }
        if self._rates is not None:
            made[Topic.METRICS] = metrics.items(snapshot, self._rates.take(pool_rows(self._rows), snapshot.nodes))
        for topic, items in made.items():
            self._views[topic] = View.after(self._views.get(topic), items, SECTIONS[topic])


def _backends(snapshot: TenantSnapshot) -> Items:
    """Ids as the API's: HAProxy's names without their letter."""
    items = {("pools", pool[1:]): pool_frame(status) for pool, status in snapshot.pools.items()}
    addresses = snapshot.by_address()
    for backend_id, (pool, status) in snapshot.by_backend().items():
        items["backends", backend_id] = {"pool": pool[1:], **backend_frame(status)}
        if backend_id in addresses:
            each = {key: address_frame(one) for key, one in addresses[backend_id].items()}
            items["backends", backend_id]["addresses"] = each
    return items


def _status(snapshot: TenantSnapshot, parts: dict[str, str]) -> Items:
    opers = [status.oper for _, status in snapshot.by_backend().values()]
    pools = snapshot.pools.values()
    totals = {
        "backends": {"total": len(opers), **{oper.value: opers.count(oper) for oper in Oper}},
        "traffic": {"sessions": sum(pool.sessions for pool in pools), "rate": sum(pool.rate for pool in pools)},
    }
    return {
        **{("nodes", node.name): node_frame(node) for node in snapshot.nodes},
        **{("parts", name): {"state": state} for name, state in parts.items()},
        **{("totals", name): total for name, total in totals.items()},
    }
