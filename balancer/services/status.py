"""What nodes say about themselves and their servers: kept in Redis, and told to whoever watches.

Called by the tasks `observe` and `report`, which have checked the node's signature. Cost follows what a frame carries,
which is what changed: four round trips to Redis whatever the number of tenants, at most one UPDATE every five seconds,
no tenant's schema.

A row holds until its node says otherwise, and is as old as the node's last word, which stands once for all of them
(`store.NODES`). So a frame that is lost has to be noticed: they are numbered, and what does not come within a moment is
asked for again. Frames of one node may be worked on at once and out of order. A row is fenced by the frame's own time,
inside Redis: an older frame never overwrites a newer row.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import Q

from balancer import broadcast, enqueue
from balancer.broadcast import Topic
from balancer.fleet.models import Node
from balancer.queries import store
from balancer.services import nodes as keys
from balancer.services.frames import Frame, summary_of
from balancer.services.status_scripts import HEARD, SUMMARY, WRITE
from tenants.scope import platform_scope

log = structlog.get_logger(__name__)

HEARTBEAT_EVERY = timedelta(seconds=5)
ROWS_TTL = 3 * 3600  # seconds; three times as long as a node takes to tell all of its tenants anew
MISSING = 3  # seconds, after which a frame is not just late
ASK_EVERY = 10  # seconds
NODES_TTL = 24 * 3600
END_OF_TIME = "99999999999"


def observe(node: Node, body: Mapping[str, Any], *, now: datetime) -> frozenset[str]:
    """Take one observation in and ring the bells of the tenants it changed; answer their ids.

    Rows with malformed names are left out and counted in the log. Raises redis.RedisError when Redis is away: the
    task is then tried again or dropped, and the frame counts as one that did not come.
    """
    frame = Frame.of(body)
    if frame.malformed:
        log.warning("observation_has_malformed_names", node=node.name, count=frame.malformed)
    absent: set[str] = set()
    if frame.there is not None:
        absent = set(_answer(store.client().smembers(store.node_tenants_key(node.name)))) - frame.there
    changed = _write(node, frame, absent, now)
    _ask_for_what_is_missing(node, frame, now=now)
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
    pipe.delete(store.node_tenants_key(node.name), store.heard_key(node.name))
    pipe.execute()


def _write(node: Node, frame: Frame, absent: set[str], now: datetime) -> list[str]:
    """One pipeline; answers the keys of the tenants of whom something differs."""
    client = store.client()
    write = client.register_script(WRITE)
    pipe = client.pipeline(transaction=False)
    whole = frame.whole | absent
    told_of = {**{tenant: {} for tenant in whole}, **frame.rows}
    for tenant, told in told_of.items():
        arguments = [node.name, f"{frame.at:.3f}", "1" if tenant in whole else "0", str(ROWS_TTL)]
        arguments += [part for item in told.items() for part in item]
        write([store.status_key(tenant), store.events_key(tenant)], arguments, client=pipe)
    summary = json.dumps(summary_of(node, frame.body, now=now))
    pipe.eval(SUMMARY, 1, store.NODES, node.name, summary, str(NODES_TTL))
    if frame.rows:
        pipe.sadd(store.node_tenants_key(node.name), *frame.rows)
    if absent:
        pipe.srem(store.node_tenants_key(node.name), *absent)
    answers = pipe.execute()
    return [tenant for tenant, changed in zip(told_of, answers, strict=False) if changed]


def _ask_for_what_is_missing(node: Node, frame: Frame, *, now: datetime) -> None:
    """After the rows are written: a frame counts as heard only then."""
    if frame.number is None:
        return
    word = json.dumps({"run": frame.run, "number": frame.number, "since": frame.since, "at": frame.at})
    moment = f"{now.timestamp():.3f}"
    key = store.heard_key(node.name)
    after = store.client().eval(HEARD, 1, key, word, str(MISSING), str(ASK_EVERY), moment, str(ROWS_TTL))
    if after is None:
        return
    log.warning("frames_missing", node=node.name, after=after)
    body = json.dumps({"node": node.pk, "act": "tell_again", "run": frame.run, "after": int(_answer(after))})
    enqueue.tell_again(node.pk, body, keys.signed(node, body), within=ASK_EVERY)


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
