"""Which clusters take tenants that are not there yet.

A node carries all that its cluster does, so that one cordoned node closes its cluster to newcomers.
"""

from django.db.models import Count, Exists, OuterRef, QuerySet

from balancer.fleet.models import JOINED, Cluster, Node


def open_clusters() -> QuerySet[Cluster]:
    """The default one first, though it has no node yet; then those with nodes, the emptiest first."""
    here = Node.objects.filter(JOINED, cluster=OuterRef("pk"))
    cordoned = Exists(here.filter(cordoned_at__isnull=False))
    counted = Cluster.objects.filter(~cordoned).annotate(tenants=Count("placements"), serves=Exists(here))
    return (counted.filter(is_default=True) | counted.filter(serves=True)).order_by("-is_default", "tenants", "name")


def cordoned_in(cluster: Cluster) -> list[str]:
    """The names of its nodes that are."""
    found = cluster.nodes.filter(JOINED, cordoned_at__isnull=False).order_by("name")
    return list(found.values_list("name", flat=True))
