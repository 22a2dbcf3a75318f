"""Ask a tenant's nodes what they really have of it, and wait for as long as a person does.

By message and answer, signed like all others: nobody but a node's own worker touches its HAProxy.
"""

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from balancer import enqueue
from balancer.fleet.models import JOINED, Node, Service
from balancer.queries import status, store
from balancer.queries.observed import NodeStatus
from balancer.services import nodes as keys
from tenants.models import Tenant
from tenants.outbound.waiting import let_others_ask
from tenants.scope import platform_scope

PATIENCE = 4.0  # seconds for all of them together
KEPT = 30
ANSWER_MOST = 2_000_000  # bytes
ASK = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Answer:
    """`told` None: it did not answer. `age`: seconds since it was last heard of at all. `service`: as `Service` has it;
    `cordoned_at`: nothing new is entrusted to it since. `ahead`: seconds by which its clock is before ours, where that
    is why: a question has run out for it before it reads it."""

    node: str
    age: float | None
    told: Mapping[str, Any] | None = None
    service: str = Service.IN
    cordoned_at: datetime | None = None
    ahead: int = 0


def ask(tenant: Tenant, *, now: datetime) -> list[Answer]:
    """Every node of the tenant's cluster, by name. One that was not heard lately is not waited for. Not in a
    transaction."""
    with platform_scope():
        there = list(Node.objects.filter(JOINED, cluster__placements__tenant=tenant.pk).order_by("name"))
    heard = {one.id: one for one in status.nodes(now=now)}
    here = [node for node in there if node.pk in heard and heard[node.pk].counts]
    told = _asked(tenant, here, now=now, within=PATIENCE) if here else {}
    return [
        Answer(
            node.name,
            heard[node.pk].age if node.pk in heard else _age(node, now=now),
            told.get(node.pk),
            node.service,
            node.cordoned_at,
            _ahead(heard.get(node.pk)) if node.pk not in told else 0,
        )
        for node in there
    ]


def _ahead(heard: NodeStatus | None) -> int:
    """The question is carried for as long as it is waited for, by the clock of who takes it."""
    return heard.ahead if heard is not None and heard.ahead >= PATIENCE else 0


def _age(node: Node, *, now: datetime) -> float | None:
    return max(0.0, (now - node.heartbeat_at).total_seconds()) if node.heartbeat_at else None


def _asked(tenant: Tenant, here: list[Node], *, now: datetime, within: float) -> dict[str, Mapping[str, Any]]:
    question = secrets.token_hex(16)
    client = store.client()
    try:
        client.set(store.look_key(question), tenant.key, ex=KEPT)
        for node in here:
            content = {"node": node.pk, "act": "look", "ask": question, "tenant": tenant.key}
            body = json.dumps({**content, "sent_at": now.timestamp()})
            enqueue.look(node.pk, body, keys.signed(node, body), within=within)
        let_others_ask()
        return _answers(question, {node.pk for node in here}, within=within)
    except redis.RedisError:
        return {}


def _answers(question: str, wanted: set[str], *, within: float) -> dict[str, Mapping[str, Any]]:
    """Raises redis.RedisError."""
    found: dict[str, Mapping[str, Any]] = {}
    deadline = time.monotonic() + within
    while (left := deadline - time.monotonic()) > 0 and found.keys() != wanted:
        # Less than the client's patience with an answer.
        got: Any = store.client().blpop([store.answers_key(question)], timeout=min(1.0, max(0.05, left)))
        if got is not None:
            told = json.loads(got[1])
            found[told["node"]] = told
    return found


def answered(node: Node, told: Mapping[str, Any]) -> None:
    """Keep it for whoever asked; what nobody waits for is dropped. Raises redis.RedisError."""
    question = str(told.get("ask", ""))
    text = json.dumps({**told, "node": node.pk})
    if not ASK.fullmatch(question) or len(text) > ANSWER_MOST:
        return
    client = store.client()
    if client.get(store.look_key(question)) != told.get("tenant"):
        return
    pipe = client.pipeline(transaction=False)
    pipe.rpush(store.answers_key(question), text)
    pipe.expire(store.answers_key(question), KEPT)
    pipe.execute()
