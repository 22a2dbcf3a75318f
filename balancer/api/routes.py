"""Routes: list, get, create, update, delete."""

from dataclasses import asdict
from typing import Any

from django_filters import rest_framework as filters
from rest_framework import serializers

from balancer.api.changes import ChangeViewSet
from balancer.models import Route
from balancer.services import routes, rules
from balancer.services.edits import Changed
from tenants.restkit.serializers import StrictSerializer


class RouteSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    host = serializers.CharField(max_length=255, help_text="Exact, or *.rest for one label in its place.")
    path_prefix = serializers.CharField(
        default="/", max_length=500, help_text="Matched by whole segments; the longest wins."
    )
    pool = serializers.CharField(source="pool_id", max_length=12)
    enabled = serializers.BooleanField(default=True)
    description = serializers.CharField(default="", allow_blank=True, max_length=500)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=rules.TAGS_MAX)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)


class RouteFilter(filters.FilterSet):
    class Meta:
        model = Route
        fields = ("host", "path_prefix", "pool")


class RouteViewSet(ChangeViewSet):
    """Host and path → pool."""

    queryset = Route.objects.all()
    serializer_class = RouteSerializer
    filterset_class = RouteFilter
    search_fields = ("host", "path_prefix", "description")
    ordering_fields = ("host", "path_prefix", "created_at", "updated_at")

    def act_create(self, values: dict[str, Any]) -> Changed[Route]:
        return routes.create(new(values), by=self.actor, now=self.now)

    def act_update(self, obj: Route, values: dict[str, Any]) -> Changed[Route]:
        if self.action == "update":
            values = asdict(new(values))
        elif "pool_id" in values:
            values["pool"] = values.pop("pool_id")
        return routes.update(obj, values, by=self.actor, now=self.now)

    def act_delete(self, obj: Route) -> Changed[Route]:
        return routes.delete(obj, by=self.actor, now=self.now)


def new(values: dict[str, Any]) -> routes.NewRoute:
    return routes.NewRoute(**{("pool" if name == "pool_id" else name): value for name, value in values.items()})
