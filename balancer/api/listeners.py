"""Listeners: list, get, create, update, delete; what everybody shares stands beside them, to be read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.changes import ObservedViewSet
from balancer.api.fields import DurationField
from balancer.api.status_fields import ListenerStatusSerializer
from balancer.haproxy.listeners import CONNECTIONS_MAX, IDLE_MAX_MS, IDLE_MIN_MS, IDLE_MS, ListenerKind
from balancer.models import Listener
from balancer.queries import status, ways_in
from balancer.queries.listened import NOT_HEARD, ListenerStatus
from balancer.queries.status_json import listener_json
from balancer.services import listeners, networks, rules
from balancer.services.edits import Changed
from tenants.errors import Conflict
from tenants.restkit.serializers import StrictSerializer
from tenants.restkit.viewsets import ID, READ
from tenants.roles import Verb


class KindField(serializers.ChoiceField):
    """The two kinds that everybody shares are not made, and whoever asks for one is told what to do instead."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "shared": "The ports for HTTP and HTTPS are shared by everybody and are there already: a site needs a route "
        "with its host, and no listener.",
    }

    def to_internal_value(self, data: Any) -> Any:
        if data in ("http", "https"):
            self.fail("shared")
        return super().to_internal_value(data)


class ListenerSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    kind = KindField(
        [kind.value for kind in ListenerKind],
        help_text="`tcp`: a port of your own; `tls_passthrough`: a name on the shared port for TLS, with the "
        "certificate of your own servers.",
    )
    pool = serializers.CharField(source="pool_id", max_length=12, help_text="A pool in mode tcp.")
    port = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=rules.PORT_MAX, help_text="Of tcp; null: one is given."
    )
    host = serializers.CharField(
        default=None, allow_null=True, max_length=255, help_text="Of tls_passthrough: exact, or *.rest for one label."
    )
    allowed_cidrs = serializers.ListField(
        child=serializers.CharField(max_length=100),
        default=list,
        help_text=f"Who may connect, {networks.MOST} networks at most; empty: everybody. With `proxy_protocol`: the "
        "proxies.",
    )
    max_connections = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=CONNECTIONS_MAX, help_text="At once, on each node."
    )
    proxy_protocol = serializers.BooleanField(
        default=False, help_text="Every connection must begin with a PROXY header, v1 or v2."
    )
    idle_timeout = DurationField(
        source="idle_timeout_ms",
        default=IDLE_MS,
        least=IDLE_MIN_MS,
        most=IDLE_MAX_MS,
        help_text="A connection on which neither side says anything for so long is closed.",
    )
    enabled = serializers.BooleanField(default=True)
    description = serializers.CharField(default="", allow_blank=True, max_length=500)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=rules.TAGS_MAX)
    endpoint = serializers.SerializerMethodField(help_text="Where clients connect to.")
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)
    status = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField())
    def get_endpoint(self, listener: Listener) -> str:
        return ways_in.endpoint(listener)

    @extend_schema_field(ListenerStatusSerializer)
    def get_status(self, listener: Listener) -> dict[str, Any]:
        return listener_json(self.context["view"].statuses.get(listener.key, NOT_HEARD))


class SharedSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    kind = serializers.CharField()
    port = serializers.IntegerField()
    endpoint = serializers.CharField()
    editable = serializers.BooleanField(help_text="It is as it is.")


class ListenerFilter(filters.FilterSet):
    class Meta:
        model = Listener
        fields = ("kind", "pool", "port", "host", "enabled")


class ListenerViewSet(ObservedViewSet):
    """Ways in beside routes: ports for TCP, and TLS that is passed through by its name."""

    queryset = Listener.objects.all()
    serializer_class = ListenerSerializer
    filterset_class = ListenerFilter
    search_fields = ("host", "description")
    ordering_fields = ("kind", "port", "host", "created_at", "updated_at")
    lookup_value_regex = rf"{ID}|http|https|tls_passthrough"
    statuses: Mapping[str, ListenerStatus] = {}
    verbs = {**READ, **dict.fromkeys(("create", "update", "partial_update", "destroy"), Verb.SECRETS)}

    def observe(self, shown: Sequence[Listener]) -> None:
        self.statuses = status.listeners(self.tenant.key, [one.key for one in shown], now=self.now) if shown else {}

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The tenant's own under `items`; what everybody shares, read-only, under `shared`."""
        found = super().list(request, *args, **kwargs)
        found.data["shared"] = SharedSerializer([asdict(one) for one in ways_in.shared()], many=True).data
        return found

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One of the tenant's own; `http`, `https` and `tls_passthrough` are those that everybody shares."""
        there = ways_in.named(self.kwargs["pk"])
        if there is not None:
            return Response(SharedSerializer(asdict(there)).data)
        return super().retrieve(request, *args, **kwargs)

    def get_object(self) -> Any:
        if ways_in.named(self.kwargs["pk"]) is not None:
            raise Conflict(
                "This listener is everybody's, and stays as it is. Use routes for it, or a listener of your own.",
                "read_only",
            )
        return super().get_object()

    def act_create(self, values: dict[str, Any]) -> Changed[Listener]:
        return listeners.create(new(values), by=self.actor, now=self.now)

    def act_update(self, obj: Listener, values: dict[str, Any]) -> Changed[Listener]:
        if self.action == "update":
            values = asdict(new(values))
        elif "pool_id" in values:
            values["pool"] = values.pop("pool_id")
        return listeners.update(obj, values, by=self.actor, now=self.now)

    def act_delete(self, obj: Listener) -> Changed[Listener]:
        return listeners.delete(obj, by=self.actor, now=self.now)


def new(values: dict[str, Any]) -> listeners.NewListener:
    return listeners.NewListener(**{("pool" if name == "pool_id" else name): value for name, value in values.items()})
