"""What staff do to nodes beyond their keys: announce one, and tell one all anew."""

from datetime import datetime

from django.db import transaction

from balancer.fleet.models import Cluster, Node
from balancer.services import deployments, node_keys
from balancer.services.node_keys import OneTime
from tenants.actor import Actor
from tenants.errors import Conflict, InvalidField
from tenants.lines import is_line
from tenants.scope import platform_scope
from tenants.services.trail import audit


@transaction.atomic
def announce(
    name: str, cluster: str, *, create_cluster: bool = False, by: Actor, now: datetime
) -> tuple[Node, OneTime]:
    """A node that may come, to the cluster of this name. In the platform's scope."""
    found = Cluster.objects.filter(name=cluster).first()
    if found is None:
        if not create_cluster:
            known = ", ".join(Cluster.objects.order_by("name").values_list("name", flat=True))
            detail = f"There is no cluster {cluster}. There is: {known}. To make it, send create_cluster."
            raise InvalidField("cluster", detail, "unknown_cluster")
        if not is_line(cluster):
            raise InvalidField("cluster", "A name is one line of printable text.")
        found = Cluster.objects.create(name=cluster)
        audit.record("cluster.create", by=by, now=now, thing=found, name=cluster)
    return node_keys.announce(name, found, by=by, now=now)


@transaction.atomic
def redeploy(node: Node, *, by: Actor, now: datetime) -> None:
    """Everything from the beginning, to be taken and loaded as if it were new. In the platform's scope. Raise
    `Conflict` for one that has not come."""
    if node.joined_at is None:
        raise Conflict(f"{node} has not come yet: it gets everything when it does.", "not_joined")
    audit.record("node.redeploy", by=by, now=now, thing=node, name=node.name)

    def tell() -> None:
        with platform_scope():
            deployments.dispatch([Node.objects.get(pk=node.pk)], since=0, now=now, force_reload=True, anew=True)

    transaction.on_commit(tell)
