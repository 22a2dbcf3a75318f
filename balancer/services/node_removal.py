"""Let a node go for good: its rows, what it had said, what waited for it, and its way into Redis."""

from datetime import datetime

from django.db import transaction

from balancer.fleet.models import Node, Placement, Service, Trial
from balancer.queries import status, store
from balancer.services import broker_users
from balancer.services import status as observed
from tenants.actor import Actor
from tenants.errors import Conflict
from tenants.services.trail import audit


@transaction.atomic
def remove(node: Node, *, by: Actor, now: datetime, force: bool = False) -> None:
    """Nothing waits for it any more: its deployments go with it. In the platform's scope.

    Its HAProxy is its machine's, and goes on with what it has until somebody stops it there. Raise `Conflict` for the
    last one that serves its cluster's tenants, for one that tries a revision, and, unless forced, for one that
    takes traffic. Raise redis.RedisError, and nothing is removed.
    """
    here = list(Node.objects.select_for_update().filter(cluster=node.cluster_id).order_by("pk"))
    held = next(one for one in here if one.pk == node.pk)
    heard = {one.name for one in status.nodes(now=now) if one.counts}
    if held.joined_at is not None:
        _refuse_last(held, here, heard)
        _refuse_busy(held)
        if not force and held.name in heard and held.service_seen != Service.OUT:
            raise Conflict(
                f"{held} takes traffic. Take it out of service first, or send force: its HAProxy then goes on with "
                "what it has, and is told of no change.",
                "serves",
            )
    audit.record("node.remove", by=by, now=now, thing=held, name=held.name, before={"cluster": held.cluster.name})
    numbers = [number for number in (held.key_number, held.old_key_number) if number is not None]
    observed.forget(held)
    store.client().hdel(store.DRIFT, held.name)
    broker_users.take_back(held.pk, *numbers)
    broker_users.forget_queue(held.pk)
    held.delete()


def _refuse_last(node: Node, here: list[Node], heard: set[str]) -> None:
    if not Placement.objects.filter(cluster=node.cluster_id).exists():
        return
    if not [one for one in here if one.pk != node.pk and one.service == Service.IN and one.name in heard]:
        raise Conflict(
            f"No other node of {node.cluster} is in service and was heard lately: its tenants would not be served. "
            "Bring another one in first, or move its tenants elsewhere.",
            "last_node",
        )


def _refuse_busy(node: Node) -> None:
    if Trial.objects.filter(node=node, ended_at=None).exists():
        raise Conflict(
            f"{node} tries a revision before the others. That ends by itself in minutes; repeat this then.", "tries"
        )
