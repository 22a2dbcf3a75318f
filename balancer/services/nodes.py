"""Take nodes into a cluster, and give each the one Redis user that sees only its own keys."""

import secrets
from contextlib import suppress
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import transaction

from balancer.edge.acl import acl_rule
from balancer.fleet.models import Cluster, Node
from tenants import vault


@dataclass(frozen=True, slots=True)
class Onboarded:
    """`broker_password` is known here once; a new call makes a new one."""

    node: Node
    broker_user: str
    broker_password: str


@transaction.atomic
def default_cluster() -> Cluster:
    cluster, _ = Cluster.objects.get_or_create(is_default=True, defaults={"name": "main"})
    return cluster


@transaction.atomic
def onboard(name: str, cluster: Cluster) -> Onboarded:
    """The node of this name, made if it is new, with a fresh broker password."""
    node = Node.objects.filter(name=name).first() or take_in(name, cluster, key=secrets.token_hex(32))
    user, password = f"node-{node.pk}", secrets.token_urlsafe(32)
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        server.execute_command("ACL", "SETUSER", user, "reset", "on", f">{password}", *acl_rule(node.pk))
        # Else a Redis that restarts has forgotten the node. One without an ACL file is kept by whoever runs it.
        with suppress(redis.ResponseError):
            server.execute_command("ACL", "SAVE")
    return Onboarded(node, user, password)


def take_in(name: str, cluster: Cluster, *, key: str) -> Node:
    """A new node, whose messages are signed with `key`."""
    node = Node(name=name, cluster=cluster)
    node.key = vault.seal(key, about=about_key(node))
    node.save(force_insert=True)
    return node


def key_of(node: Node) -> str:
    """Raise `tenants.vault.CannotOpen`."""
    return vault.unseal(node.key, about=about_key(node))


def about_key(node: Node) -> str:
    return f"node.key:{node.pk}"
