"""Clusters, to look at: a node's page brings a new one."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, QuerySet
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
        return rows.annotate(
            node_count=Count("nodes", distinct=True),
            tenant_count=Count("placements", distinct=True),
            is_open=Exists(places.open_clusters().filter(pk=OuterRef("pk"))),
        )

    @admin.display(description="nodes")
    def nodes_here(self, cluster: Any) -> int:
        return int(cluster.node_count)

    @admin.display(description="tenants")
    def tenants_here(self, cluster: Any) -> int:
        return int(cluster.tenant_count)

    @admin.display(description="takes new tenants", boolean=True)
    def takes_new_tenants(self, cluster: Any) -> bool:
        return bool(cluster.is_open)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Cluster | None = None) -> bool:
        return False
