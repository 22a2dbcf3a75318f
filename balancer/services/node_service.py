"""Take a node out of service softly, and back: told by the road of every change, and asked again by the sweep."""

from datetime import datetime, timedelta

from django.db import transaction

from balancer.fleet.models import Node, Service
from balancer.queries import status
from balancer.services import deployments
from tenants.actor import SYSTEM, Actor
from tenants.errors import Conflict
from tenants.scope import platform_scope
from tenants.services.trail import audit


@transaction.atomic
def leave(node: Node, *, after: timedelta, by: Actor, now: datetime, force: bool = False) -> Node:
    """Its readiness path answers 503 at once, and connections close with their answer; `after` that it takes no new
    ones. In the platform's scope. Raise `Conflict` where no other node of its cluster serves, unless forced."""
    others = list(Node.objects.select_for_update(no_key=True).filter(cluster=node.cluster_id).order_by("pk"))
    held = next(one for one in others if one.pk == node.pk)
    if not force:
        _refuse_last(held, others, now=now)
    held.service, held.out_at = Service.LEAVING, now + after
    held.save(update_fields=["service", "out_at"])
    audit.record("node.leave", by=by, now=now, thing=held, name=held.name, after={"out_at": held.out_at.isoformat()})
    _tell_after_commit(held, now=now)
    return held


@transaction.atomic
def come_back(node: Node, *, by: Actor, now: datetime) -> Node:
    """In the platform's scope."""
    held = Node.objects.select_for_update(no_key=True).get(pk=node.pk)
    before = held.service
    held.service, held.out_at = Service.IN, None
    held.save(update_fields=["service", "out_at"])
    audit.record("node.return", by=by, now=now, thing=held, name=held.name, before={"service": before})
    _tell_after_commit(held, now=now)
    return held


def go_on_with_all(*, now: datetime) -> None:
    """Those whose time to leave is over are out; in no transaction."""
    with platform_scope():
        for node in Node.objects.filter(service=Service.LEAVING, out_at__lte=now).order_by("pk"):
            _out(node, now=now)


@transaction.atomic
def _out(node: Node, *, now: datetime) -> None:
    held = Node.objects.select_for_update(no_key=True).get(pk=node.pk)
    if held.service != Service.LEAVING or held.out_at is None or held.out_at > now:
        return
    held.service = Service.OUT
    held.save(update_fields=["service"])
    audit.record("node.out", by=SYSTEM, now=now, thing=held, name=held.name)
    _tell_after_commit(held, now=now)


def _refuse_last(node: Node, others: list[Node], *, now: datetime) -> None:
    heard = {one.name for one in status.nodes(now=now) if one.counts}
    stay = [one for one in others if one.pk != node.pk and one.service == Service.IN and one.name in heard]
    if not stay:
        raise Conflict(
            f"No other node of {node.cluster} is in service and was heard lately: its tenants would not be served. "
            "Bring another one back first, or send force.",
            "last_node",
        )


def _tell_after_commit(node: Node, *, now: datetime) -> None:
    def tell() -> None:
        with platform_scope():
            fresh = Node.objects.get(pk=node.pk)
            deployments.dispatch([fresh], since=fresh.asked_generation, now=now)

    transaction.on_commit(tell)
