"""Clusters, to look at: a node's page brings a new one."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from balancer.fleet.models import Cluster
from balancer.queries import places
from tenants.admin_base import Rows


@admin.register(Cluster)
class ClusterAdmin(Rows):
    list_display = ("name", "is_default", "nodes_here", "tenants_here", "takes_new_tenants", "generation")
    readonly_fields = ("name", "is_default", "generation")
    search_fields = ("name",)
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cluster]:
        rows: QuerySet[Cluster] = super().get_queryset(request)
        return rows.annotate(n=Count("nodes", distinct=True), t=Count("placements", distinct=True))

    @admin.display(description="nodes")
    def nodes_here(self, cluster: Cluster) -> int:
        return int(getattr(cluster, "n"))  # noqa: B009 - of the query

    @admin.display(description="tenants")
    def tenants_here(self, cluster: Cluster) -> int:
        return int(getattr(cluster, "t"))  # noqa: B009 - of the query

    @admin.display(description="takes new tenants", boolean=True)
    def takes_new_tenants(self, cluster: Cluster) -> bool:
        return places.open_clusters().filter(pk=cluster.pk).exists()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Cluster | None = None) -> bool:
        return False
