"""A node's key: fetched by the node itself with a one-time key, changed while it runs, refused once it is retired.

Nobody sees the key itself. What staff are shown is good for one exchange, for an hour, for one node; the exchange makes
the key, and a user of Redis's that goes with it. At a change the key before counts too, until the node has spoken with
the new one for a moment: what its worker had sent before it was started again is on its way still.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from balancer.edge import signing
from balancer.edge.signing import BadSignature
from balancer.fleet.models import Cluster, Node
from balancer.services import broker_users, nodes
from tenants.actor import SYSTEM, Actor
from tenants.errors import Conflict, Refused
from tenants.models import Outcome
from tenants.scope import platform_scope
from tenants.services.trail import audit

log = structlog.get_logger(__name__)
LIFETIME = timedelta(hours=1)
PREFIX = "vfn_"
MOMENT = timedelta(seconds=5)  # for what was sent with the key before
NOTED_EVERY, TOLD_EVERY = timedelta(seconds=5), timedelta(minutes=10)
NODE = replace(SYSTEM, through="node")


class NotValid(Refused):
    """The same whether it never was, was used, or is too old."""

    def __init__(self) -> None:
        detail = "This one-time key is not valid any more: it was used, or it is too old. Ask staff for a new one."
        super().__init__(detail, "invalid_node_key", 422)


@dataclass(frozen=True, slots=True)
class OneTime:
    """Shown once: only its digest is kept."""

    key: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the node's processes are started with. Known here once."""

    node: Node
    key: str
    broker_url: str


@transaction.atomic
def announce(name: str, cluster: Cluster, *, by: Actor, now: datetime) -> tuple[Node, OneTime]:
    """A node that may come. In the platform's scope. Raise `Conflict` where the name is taken."""
    if Node.objects.filter(name=name).exists():
        raise Conflict(f"There is a node {name} already. Choose another name.", "taken", "/name")
    node = nodes.take_in(name, cluster, key=secrets.token_hex(32), announced=True)
    one_time = _one_time(node, now=now)
    node.save(update_fields=["join_digest", "join_until"])
    audit.record("node.create", by=by, now=now, thing=node, name=name, after={"cluster": cluster.name})
    return node, one_time


@transaction.atomic
def rotate(node: Node, *, by: Actor, now: datetime) -> OneTime:
    """A new one-time key; one from before is good no more. In the platform's scope. The key that the node speaks with
    stays until it has fetched another."""
    held = Node.objects.select_for_update(no_key=True).get(pk=node.pk)
    one_time = _one_time(held, now=now)
    held.save(update_fields=["join_digest", "join_until"])
    audit.record("node.rotate_key", by=by, now=now, thing=held, name=held.name, after={"until": f"{one_time.until}"})
    return one_time


def act_for(node: Node) -> str:
    """Of `manage.py node`: one that was never heard has no folder that another key could go to."""
    return "join" if node.heartbeat_at is None else "fetch-key"


def _one_time(node: Node, *, now: datetime) -> OneTime:
    secret = PREFIX + secrets.token_urlsafe(32)
    node.join_digest, node.join_until = digest(secret), now + LIFETIME
    return OneTime(secret, node.join_until)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class AnotherNodes(Refused):
    """Nothing is used up."""

    def __init__(self, name: str) -> None:
        super().__init__(f"This one-time key is for {name}, which is not in this folder.", "another_node", 422)


@transaction.atomic
def fetch(one_time: str, *, address: str, now: datetime, here: Sequence[str] = ()) -> Fetched:
    """Its first key, or its next one. `here`: ids of the nodes where it is asked from. Of two at once, one. Raise
    `NotValid`, `AnotherNodes`, redis.RedisError."""
    with platform_scope():
        valid = Q(join_digest=digest(one_time), join_until__gt=now)
        node = Node.objects.select_for_update(no_key=True, of=("self",)).select_related("cluster").filter(valid).first()
        if node is None:
            raise NotValid
        if here and node.pk not in here:
            raise AnotherNodes(node.name)
        _supersede(node)
        key = secrets.token_hex(32)
        nodes.put_key(node, key)
        node.key_since, node.key_heard_at, node.join_digest, node.join_until = now, None, "", None
        first = node.joined_at is None
        if first:
            node.joined_at = now
        user, password = broker_users.give(node.pk, node.key_number)
        node.save()
        if first:
            nodes.await_all(node, now=now)
        act = "node.join" if first else "node.fetch_key"
        audit.record(act, by=replace(NODE, address=address), now=now, thing=node, name=node.name)
        url = broker_users.url_for(user, password, basis=settings.NODES_REDIS_URL)
        return Fetched(node, key, url)


def _supersede(node: Node) -> None:
    """A key that was never spoken with just goes; else it is the old one now. Whose user goes, goes once the new key is
    written down: until then it is all that the node has."""
    if node.joined_at is None:
        return
    gone: int | None = node.key_number
    if node.key_heard_at is not None:
        gone = node.old_key_number
        nodes.put_old_key(node, nodes.key_of(node))
        node.old_key_number = node.key_number
    node.key_number += 1
    if gone is None:
        return

    def take_back() -> None:
        broker_users.take_back(node.pk, gone)

    # What goes wrong there is logged and no more: the one-time key is used up, and who asked shall have the new one.
    transaction.on_commit(take_back, robust=True)


def proven(node_id: str, body: str, signature: str, *, now: datetime) -> Node:
    """The node, if it signed this with a key that counts; written down where that says something new about the key. In
    the platform's scope. Raise `BadSignature`, also where there is no such node."""
    node = Node.objects.select_related("cluster").filter(pk=node_id).first()
    if node is None:
        raise BadSignature("There is no such node.")
    try:
        signing.verify(nodes.key_of(node), body, signature)
    except BadSignature:
        _verify_old(node, body, signature, now=now)
        return node
    if node.key_heard_at is None or (node.old_key and now - node.key_heard_at >= MOMENT):
        _heard(node, now=now)
    return node


def _verify_old(node: Node, body: str, signature: str, *, now: datetime) -> None:
    try:
        # Where there is none, the newest refuses once more.
        signing.verify(nodes.old_key_of(node) or nodes.key_of(node), body, signature)
    except BadSignature:
        _refused(node, now=now)
        raise


@transaction.atomic
def _heard(node: Node, *, now: datetime) -> None:
    """First by this key: it counts. A moment later the one before it does no more, nor does its user in Redis."""
    held = Node.objects.select_for_update(no_key=True).get(pk=node.pk)
    if held.key_number != node.key_number:
        return
    if held.key_heard_at is None:
        held.key_heard_at = now
        held.save(update_fields=["key_heard_at"])
    elif held.old_key and held.old_key_number is not None:
        broker_users.take_back(held.pk, *range(1, held.key_number))  # also those that stayed when Redis was away
        held.old_key, held.old_key_number = "", None
        held.save(update_fields=["old_key", "old_key_number"])
        audit.record("node.retire_key", by=NODE, now=now, thing=held, name=held.name)


def _refused(node: Node, *, now: datetime) -> None:
    """Shown with the node; told in the trail, though not for each message."""
    log.warning("message refused", node=node.name)
    due = Q(refused_at=None) | Q(refused_at__lt=now - NOTED_EVERY)
    if not Node.objects.filter(due, pk=node.pk).update(refused_at=now):
        return
    if node.refused_at is None or now - node.refused_at > TOLD_EVERY:
        words = "A message in its name was not signed with its key."
        audit.record(
            "node.message", by=NODE, now=now, thing=node, name=node.name, outcome=Outcome.REFUSED, detail=words
        )
