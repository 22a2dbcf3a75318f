"""Nodes: their rows, and the keys that they and the console sign with."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from balancer.edge import signing
from balancer.fleet.models import Cluster, Deployment, Node, Snapshot
from balancer.services import broker_users
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
    """The node of this name on this machine, made if it is new, with a fresh broker password."""
    node = Node.objects.filter(name=name).first() or take_in(name, cluster, key=secrets.token_hex(32))
    user, password = broker_users.give(node.pk, node.key_number)
    return Onboarded(node, user, password)


def take_in(name: str, cluster: Cluster, *, key: str, announced: bool = False) -> Node:
    """A new node, whose messages are signed with `key`. `announced`: nobody has come by that name yet, and nothing is
    sent to it."""
    node = Node(name=name, cluster=cluster)
    if announced:
        node.joined_at = node.key_since = None
    put_key(node, key)
    node.save(force_insert=True)
    return node


def await_all(node: Node, *, now: datetime) -> None:
    """It has just come: what its cluster carries is deployed on it from now on, as on the others."""
    there = Snapshot.objects.filter(cluster=node.cluster_id, revision__isnull=False).exclude(state=None)
    Deployment.objects.bulk_create(
        (
            Deployment(
                tenant_id=tenant,
                revision_id=revision,
                node=node,
                generation=generation,
                queued_at=now,
            )
            for tenant, revision, generation in there.values_list("tenant_id", "revision_id", "generation")
        ),
        batch_size=500,
    )


def put_key(node: Node, key: str) -> None:
    node.key = vault.seal(key, about=about_key(node))


def put_old_key(node: Node, key: str) -> None:
    node.old_key = vault.seal(key, about=_about_old(node)) if key else ""


def key_of(node: Node) -> str:
    """Raise `tenants.vault.CannotOpen`."""
    return vault.unseal(node.key, about=about_key(node))


def old_key_of(node: Node) -> str:
    """Empty where only one counts. Raise `tenants.vault.CannotOpen`."""
    return vault.unseal(node.old_key, about=_about_old(node)) if node.old_key else ""


def signed(node: Node, body: str) -> str:
    """With each key that counts: during a rotation its worker may know the one or the other."""
    keys = [key for key in (key_of(node), old_key_of(node)) if key]
    return signing.JOINT.join(signing.sign(key, body) for key in keys)


def about_key(node: Node) -> str:
    return f"node.key:{node.pk}"


def _about_old(node: Node) -> str:
    return f"node.old_key:{node.pk}"
