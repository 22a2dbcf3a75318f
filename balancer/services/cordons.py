"""Entrust nothing new to a node: no tenant comes to its cluster, and no revision is tried on it first.

Who is there already is served as ever, and their changes go out: a node that kept yesterday's configuration would send
requests to a backend that somebody has drained.
"""

from datetime import datetime

from django.db import transaction

from balancer.fleet.models import Node
from balancer.queries import places
from tenants.actor import Actor
from tenants.errors import Conflict
from tenants.services.trail import audit


@transaction.atomic
def cordon(node: Node, *, reason: str, by: Actor, now: datetime, force: bool = False) -> Node:
    """In the platform's scope. Raise `Conflict` where new tenants would have nowhere to go, unless forced."""
    held = Node.objects.select_for_update(no_key=True).get(pk=node.pk)
    if held.cordoned_at is not None:
        return held
    if not force and not places.open_clusters().exclude(pk=held.cluster_id).exists():
        raise Conflict(
            f"No cluster but {held.cluster} takes new tenants: nobody could sign up. Bring another cluster in first, "
            "or send force.",
            "no_other_cluster",
        )
    held.cordoned_at, held.cordon_reason = now, reason
    held.save(update_fields=["cordoned_at", "cordon_reason"])
    audit.record("node.cordon", by=by, now=now, thing=held, name=held.name, after={"reason": reason})
    return held


@transaction.atomic
def uncordon(node: Node, *, by: Actor, now: datetime) -> Node:
    """In the platform's scope."""
    held = Node.objects.select_for_update(no_key=True).get(pk=node.pk)
    if held.cordoned_at is None:
        return held
    before, held.cordoned_at, held.cordon_reason = held.cordon_reason, None, ""
    held.save(update_fields=["cordoned_at", "cordon_reason"])
    audit.record("node.uncordon", by=by, now=now, thing=held, name=held.name, before={"reason": before})
    return held
