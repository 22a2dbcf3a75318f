"""Routes: list, get, create, update, delete."""

from dataclasses import asdict
from typing import Any, ClassVar

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.changes import ChangeViewSet
from balancer.api.fields import DurationField
from balancer.api.filters import DurationFilter
from balancer.api.route_parts import (
    BODY_LIMIT,
    CACHE,
    ActionSerializer,
    CacheSerializer,
    ConditionSerializer,
    CorsSerializer,
    HeaderSerializer,
    MaintenanceSerializer,
    RewriteSerializer,
)
from balancer.api.route_test import RouteTestedSerializer, RouteTestSerializer
from balancer.haproxy.read_handling import BODY_LIMIT_MAX
from balancer.haproxy.routing import MANY_CONDITIONS, MANY_HEADERS, PathMatch
from balancer.models import Route
from balancer.models.routes import to_its_pool
from balancer.queries import route_test
from balancer.services import caches, routes, rules
from balancer.services.edits import Changed
from tenants.restkit.serializers import StrictSerializer
from tenants.roles import Verb


class RouteSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    host = serializers.CharField(max_length=255, help_text="Exact, or *.rest for one label in its place.")
    path_prefix = serializers.CharField(
        default="/", max_length=500, help_text="Matched by whole segments; the longest wins."
    )
    path_match = serializers.ChoiceField(
        [each.value for each in PathMatch], default="prefix", help_text="How `path_prefix` is meant."
    )
    pool = serializers.CharField(
        source="pool_id", max_length=12, allow_null=True, default=None, help_text="Null where the action needs none."
    )
    priority = serializers.IntegerField(
        default=0, min_value=-1000, max_value=1000, help_text="Of all routes that fit, the highest has the request."
    )
    conditions = serializers.ListField(child=ConditionSerializer(), default=list, max_length=MANY_CONDITIONS)
    action = ActionSerializer(default=to_its_pool)
    rewrite = RewriteSerializer(default=dict)
    request_headers = serializers.ListField(child=HeaderSerializer(), default=list, max_length=MANY_HEADERS)
    response_headers = serializers.ListField(child=HeaderSerializer(), default=list, max_length=MANY_HEADERS)
    cors = CorsSerializer(allow_null=True, default=None)
    timeout = DurationField(
        source="timeout_ms", least=10, allow_null=True, default=None, help_text="Of the answer; null: the pool's."
    )
    max_body = serializers.IntegerField(
        min_value=0, max_value=BODY_LIMIT_MAX, allow_null=True, default=None, help_text=BODY_LIMIT
    )
    compression = serializers.BooleanField(default=False)
    maintenance = MaintenanceSerializer(allow_null=True, default=None, help_text="While it is there: 503, this page.")
    cache = CacheSerializer(allow_null=True, default=None, help_text=CACHE)
    enabled = serializers.BooleanField(default=True)
    description = serializers.CharField(default="", allow_blank=True, max_length=500)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=rules.TAGS_MAX)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)


class RouteFilter(filters.FilterSet):
    timeout = DurationFilter(field_name="timeout_ms")

    class Meta:
        model = Route
        fields = ("host", "path_prefix", "pool")


class RouteViewSet(ChangeViewSet):
    """Host and path → pool."""

    verbs: ClassVar[dict[str, Verb]] = {**ChangeViewSet.verbs, "test": Verb.VIEW, "purge_cache": Verb.RUNTIME}
    queryset = Route.objects.all()
    serializer_class = RouteSerializer
    filterset_class = RouteFilter
    search_fields = ("host", "path_prefix", "description")
    ordering_fields = ("host", "path_prefix", "priority", "created_at", "updated_at")

    @extend_schema(request=RouteTestSerializer, responses=RouteTestedSerializer)
    @action(detail=False, methods=["post"])
    def test(self, request: Request, **_: Any) -> Response:
        """Say which route, pool and backends a request would get, and why, as it is configured now."""
        sent = RouteTestSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response(RouteTestedSerializer(route_test.ask(self.tenant, sent.asked(), now=self.now)).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"], url_path="purge-cache")
    def purge_cache(self, request: Request, **_: Any) -> Response:
        """Answer nothing any more that is kept now. The change is live once every node has confirmed it; from then on
        no node gives an old answer. At once, also where changes wait to be deployed."""
        sent = StrictSerializer(data=request.data or {})
        sent.is_valid(raise_exception=True)
        return self.changed(caches.purge(self.get_object(), by=self.actor, now=self.now))

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
