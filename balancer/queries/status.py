"""What is observed now: status from Redis, merged over the nodes (the rule is `observed`'s).

One round trip each, no row of the database. With Redis away everything is `unknown`, and nothing fails: a list of
backends must not break because their status cannot be had. `now` is the caller's clock, in UTC.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import redis

from balancer.haproxy.naming import id_and_moves, is_of_a_name
from balancer.queries import store
from balancer.queries.listened import NOT_HEARD, ListenerRow, ListenerStatus, merge_listener
from balancer.queries.merging import merge_addresses
from balancer.queries.observed import (
    NO_POOL,
    UNKNOWN,
    BackendStatus,
    NodeStatus,
    Oper,
    PoolRow,
    PoolStatus,
    ServerRow,
    merge_pool,
    merge_server,
)

Key = tuple[str, str]
Hash = Mapping[str, str]
MAINT = "maint"
SERVER_FIELDS = {one.name for one in fields(ServerRow)}
POOL_FIELDS, LISTENER_FIELDS = ({one.name for one in fields(row)} for row in (PoolRow, ListenerRow))


@dataclass(frozen=True, slots=True)
class TenantSnapshot:
    """Everything seen of one tenant, by its keys in HAProxy. `nodes` are those of the clusters that serve it."""

    at: float
    backends: Mapping[Key, BackendStatus]
    pools: Mapping[str, PoolStatus]
    nodes: tuple[NodeStatus, ...]

    def by_backend(self) -> dict[str, tuple[str, BackendStatus]]:
        """Backend's id -> its pool's key and status."""
        return _by_backend(self.backends)

    def by_address(self) -> dict[str, dict[str, BackendStatus]]:
        """Backend's id -> key and status of each server, of those that go by a name."""
        found: dict[str, dict[str, BackendStatus]] = defaultdict(dict)
        for (_, key), status in sorted(self.backends.items(), key=lambda item: item[0]):
            if is_of_a_name(key):
                found[id_and_moves(key)[0]][key] = status
        return dict(found)


class Known:
    """The node names this process saw last: with them a page of backends is asked for in one round trip."""

    names: tuple[str, ...] = ()


def nodes(*, now: datetime) -> list[NodeStatus]:
    """Every node that has spoken lately, by name; empty when Redis is away."""
    try:
        stored: Hash = _answer(store.client().hgetall(store.NODES))
    except redis.RedisError:
        return []
    return sorted(node_statuses(stored, now).values(), key=lambda node: node.name)


def backends(tenant_key: str, keys: Collection[Key], *, now: datetime) -> dict[Key, BackendStatus]:
    """A page of them, by (pool key, server key). Each key is answered."""
    try:
        known, rows = _some(tenant_key, [f"{pool}/{server}" for pool, server in keys], now)
    except redis.RedisError:
        return dict.fromkeys(keys, UNKNOWN)
    servers = _servers(rows)
    peers = _peers(known, (name for seen in servers.values() for name in seen))
    return {key: merge_server(servers[key], known, peers) if key in servers else UNKNOWN for key in keys}


def pools(tenant_key: str, keys: Collection[str], *, now: datetime) -> dict[str, PoolStatus]:
    """By pool key; each is answered. Reads the tenant's whole hash: n of m needs the servers."""
    seen = tenant_snapshot(tenant_key, now=now).pools
    return {key: seen.get(key, NO_POOL) for key in keys}


def listeners(tenant_key: str, keys: Collection[str], *, now: datetime) -> dict[str, ListenerStatus]:
    """A page of them, by key. Each is answered."""
    try:
        known, stored = _some(tenant_key, list(keys), now)
    except redis.RedisError:
        return dict.fromkeys(keys, NOT_HEARD)
    rows = _listener_rows(stored)
    peers = _peers(known, (name for seen in rows.values() for name in seen))
    return {key: merge_listener(rows[key], known, peers) if key in rows else NOT_HEARD for key in keys}


def tenant_snapshot(tenant_key: str, *, now: datetime, cluster: str = "") -> TenantSnapshot:
    """All of a tenant. `cluster` names the one that serves it, for when no node has spoken of the tenant yet."""
    pipe = store.client().pipeline(transaction=False)
    pipe.hgetall(store.NODES)
    pipe.hgetall(store.status_key(tenant_key))
    try:
        stored, rows = _answer(pipe.execute())
    except redis.RedisError:
        return TenantSnapshot(now.timestamp(), {}, {}, ())
    return snapshot_of(stored, rows, now=now, cluster=cluster)


def snapshot_of(stored_nodes: Hash, rows: Hash, *, now: datetime, cluster: str = "") -> TenantSnapshot:
    """The same from hashes that the caller has read."""
    known = node_statuses(stored_nodes, now)
    servers, of_pools = _servers(rows), pool_rows(rows)
    # A word that something is gone is none about what is there: a node of the cluster that it left may have said it.
    speakers = set().union(*servers.values(), *of_pools.values())
    peers = _peers(known, speakers, cluster)
    merged = {key: merge_server(seen, known, peers) for key, seen in servers.items()}
    by_pool: dict[str, list[BackendStatus]] = defaultdict(list)
    for pool, status in _by_backend(merged).values():
        by_pool[pool].append(status)
    return TenantSnapshot(
        at=now.timestamp(),
        backends=merged,
        pools={
            pool: merge_pool(of_pools.get(pool, {}), by_pool.get(pool, ()), known)
            for pool in sorted({*by_pool, *of_pools})
        },
        nodes=tuple(known[name] for name in peers),
    )


def _by_backend(servers: Mapping[Key, BackendStatus]) -> dict[str, tuple[str, BackendStatus]]:
    """One that has just moved is two servers: the newer one speaks. Of one that goes by a name all do, but for
    addresses that are on their way out."""
    found: dict[str, list[Key]] = defaultdict(list)
    for key in sorted(servers, key=lambda key: id_and_moves(key[1])):
        found[id_and_moves(key[1])[0]].append(key)
    return {backend: _speaks(keys, servers) for backend, keys in found.items()}


def _speaks(keys: list[Key], servers: Mapping[Key, BackendStatus]) -> tuple[str, BackendStatus]:
    staying = [key for key in keys if not _is_out(servers[key])] or keys
    pool, newest = staying[-1]
    if not is_of_a_name(newest):
        return pool, servers[pool, newest]
    return pool, merge_addresses([servers[key] for key in staying if is_of_a_name(key[1])])


def _is_out(status: BackendStatus) -> bool:
    """In maintenance wherever it still is."""
    return {node.admin for node in status.nodes if node.admin != "unknown"} == {MAINT}


def node_statuses(stored: Hash, now: datetime) -> dict[str, NodeStatus]:
    moment = now.timestamp()
    return {name: _node(name, json.loads(text), moment) for name, text in stored.items()}


def _node(name: str, told: Mapping[str, Any], moment: float) -> NodeStatus:
    return NodeStatus(
        name=name,
        id=told["id"],
        cluster=told["cluster"],
        version=told["version"],
        at=told["at"],
        age=max(0.0, moment - told["at"]),
        generation=told["generation"],
        outcome=told["outcome"],
        sessions=told["sessions"],
        rate=told["rate"],
        requests=told["requests"],
        uptime=told["uptime"],
        drift=told["drift"],
        pid=told["pid"],
        ahead=told.get("ahead", 0),
    )


def _some(tenant_key: str, names: list[str], now: datetime) -> tuple[dict[str, NodeStatus], Hash]:
    """The nodes, and the named fields. A second trip only when a node is new to this process."""
    guess = Known.names
    while True:
        fields = [f"{name}|{node}" for name in names for node in guess]
        pipe = store.client().pipeline(transaction=False)
        pipe.hgetall(store.NODES)
        if fields:
            pipe.hmget(store.status_key(tenant_key), fields)
        answers = _answer(pipe.execute())
        Known.names = tuple(sorted(answers[0]))
        if set(Known.names) <= set(guess) or not names:
            values = answers[1] if fields else []
            return node_statuses(answers[0], now), {f: v for f, v in zip(fields, values, strict=True) if v}
        guess = Known.names


def _servers(rows: Hash) -> dict[Key, dict[str, ServerRow]]:
    found: dict[Key, dict[str, ServerRow]] = defaultdict(dict)
    for field, text in rows.items():
        name, _, node = field.partition("|")
        pool, slash, server = name.partition("/")
        if slash and (read := _server(json.loads(text))) is not None:
            found[pool, server][node] = read
    return found


def pool_rows(rows: Hash) -> dict[str, dict[str, PoolRow]]:
    """Pool → node → what it counts there."""
    found: dict[str, dict[str, PoolRow]] = defaultdict(dict)
    for field, text in rows.items():
        name, _, node = field.partition("|")
        told = json.loads(text) if name.startswith("p") and "/" not in name else {}
        if told.keys() == POOL_FIELDS:
            found[name][node] = PoolRow(**told)
    return found


def _listener_rows(rows: Hash) -> dict[str, dict[str, ListenerRow]]:
    found: dict[str, dict[str, ListenerRow]] = defaultdict(dict)
    for field, text in rows.items():
        name, _, node = field.partition("|")
        told = json.loads(text)
        if told.keys() == LISTENER_FIELDS:
            found[name][node] = ListenerRow(**told)
    return found


def _server(told: Mapping[str, Any]) -> ServerRow | None:
    """None for a row of another version of ours: the next word from the node says it anew."""
    if told.keys() != SERVER_FIELDS:
        return None
    return ServerRow(**{**told, "oper": Oper(told["oper"])})


def _peers(known: Mapping[str, NodeStatus], speakers: Iterable[str], cluster: str = "") -> list[str]:
    """The nodes of the clusters that have spoken of it, or that are said to serve it."""
    clusters = {known[name].cluster for name in speakers if name in known} | ({cluster} if cluster else set())
    return sorted(name for name, node in known.items() if node.cluster in clusters)


def _answer(value: Any) -> Any:
    """redis-py types one signature for its blocking and its asyncio client; ours blocks."""
    return value
