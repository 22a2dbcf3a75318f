"""Nodes, for staff: how they are; bring one in, cordon it, change its key, tell it all anew, let it go."""

from functools import cached_property
from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.staff import StaffOnly
from balancer.fleet.models import Node
from balancer.queries import fleet_nodes
from balancer.queries.fleet_nodes import KeyState, NodeFacts
from balancer.queries.observed import Fresh
from balancer.queries.status_json import duration, moment
from balancer.services import cordons, fleet, node_keys, node_removal
from balancer.services.node_keys import OneTime
from tenants.errors import InvalidField
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.restkit.viewsets import KitViewSet
from tenants.scope import platform_scope


class NodeStatusSerializer(serializers.Serializer[Any]):
    fresh = serializers.ChoiceField([one.value for one in Fresh])
    age = serializers.CharField(allow_null=True, help_text="Of its last word.")
    heard_at = serializers.DateTimeField(allow_null=True)
    serving = serializers.BooleanField(allow_null=True, help_text="Whether its HAProxy answers.")
    version = serializers.CharField(help_text="HAProxy's.")
    generation = serializers.IntegerField()
    lag = serializers.IntegerField(help_text="Revisions of its cluster's that it does not have.")
    sync = serializers.CharField()
    outcome = serializers.CharField()
    words = serializers.CharField(help_text="HAProxy's, of what failed.")
    drift = serializers.ListField(child=serializers.CharField())
    sessions = serializers.IntegerField(allow_null=True)
    rate = serializers.IntegerField(allow_null=True)
    service = serializers.CharField(help_text="What it said it is.")
    refused_at = serializers.DateTimeField(
        allow_null=True, help_text="When a message in its name was last not signed with its key."
    )


class NodeKeySerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField([one.value for one in KeyState])
    since = serializers.DateTimeField(allow_null=True)
    age = serializers.CharField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True, help_text="How long the one-time key that waits is good.")


class FleetNodeSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    name = serializers.SlugField(max_length=40, help_text="Letters, digits, - and _.")
    cluster = serializers.CharField(source="cluster.name", max_length=40, help_text="By its name.")
    service = serializers.CharField(read_only=True)
    out_at = serializers.DateTimeField(read_only=True, allow_null=True)
    joined_at = serializers.DateTimeField(read_only=True, allow_null=True)
    cordoned_at = serializers.DateTimeField(read_only=True, allow_null=True)
    cordon_reason = serializers.CharField(read_only=True)
    status = serializers.SerializerMethodField()
    key = serializers.SerializerMethodField()

    @extend_schema_field(NodeStatusSerializer)
    def get_status(self, node: Node) -> dict[str, Any]:
        return status_json(self.facts(node))

    @extend_schema_field(NodeKeySerializer)
    def get_key(self, node: Node) -> dict[str, Any]:
        found = self.facts(node)
        state, until = found.key_state, node.join_until
        asked = state in (KeyState.ANNOUNCED, KeyState.ASKED) and until is not None
        return {
            "state": state.value,
            "since": moment(node.key_since.timestamp()) if node.key_since else None,
            "age": duration(found.key_age),
            "until": moment(until.timestamp()) if asked and until else None,
        }

    def facts(self, node: Node) -> NodeFacts:
        found: dict[str, NodeFacts] = self.context["view"].facts
        return found[node.pk]


def status_json(found: NodeFacts) -> dict[str, Any]:
    seen, node = found.seen, found.node
    return {
        "fresh": seen.fresh.value if seen else Fresh.OFFLINE.value,
        "age": duration(seen.age) if seen else None,
        "heard_at": moment(seen.heard_at) if seen else None,
        "serving": seen.serving if seen else None,
        "version": seen.version if seen else "",
        "generation": node.generation,
        "lag": found.lag,
        "sync": seen.sync.value if seen else "unknown",
        "outcome": node.outcome,
        "words": node.words,
        "drift": list(found.drift),
        "sessions": found.sessions,
        "rate": found.rate,
        "service": node.service_seen,
        "refused_at": moment(node.refused_at.timestamp()) if node.refused_at else None,
    }


class NewNodeSerializer(FleetNodeSerializer):
    create_cluster = serializers.BooleanField(
        default=False, write_only=True, help_text="Make the cluster if it is new."
    )


class OneTimeSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="Good once. Shown this once.")
    command = serializers.CharField(help_text="To be run on the node's machine, in a copy of this project.")
    until = serializers.DateTimeField()


class OnboardedSerializer(FleetNodeSerializer):
    onboarding = OneTimeSerializer(read_only=True)


class CordonSerializer(StrictSerializer):
    reason = LineField(max_length=200, allow_blank=True, default="")
    force = serializers.BooleanField(default=False, help_text="Even if new tenants have nowhere to go then.")


class NodeFilter(filters.FilterSet):
    cluster = filters.CharFilter(field_name="cluster__name")
    cordoned = filters.BooleanFilter(field_name="cordoned_at", lookup_expr="isnull", exclude=True)
    joined = filters.BooleanFilter(field_name="joined_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Node
        fields = ("name", "service")


class NodeViewSet(mixins.ListModelMixin, KitViewSet):
    """One HAProxy with its worker."""

    permission_classes = (StaffOnly,)
    queryset = Node.objects.select_related("cluster")
    serializer_class: type[Any] = FleetNodeSerializer
    filterset_class = NodeFilter
    search_fields = ("name", "cluster__name", "cordon_reason")
    ordering_fields = ("name", "service", "joined_at", "cordoned_at")
    throttle_class_names: ClassVar[dict[str, str]] = {"redeploy": "expensive"}

    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        with platform_scope():
            return super().dispatch(*args, **kwargs)

    @cached_property
    def facts(self) -> dict[str, NodeFacts]:
        return fleet_nodes.facts(Node.objects.select_related("cluster"), now=timezone.now())

    def retrieve(self, request: Request, **_: Any) -> Response:
        """How it is, as it said last, with the age of that."""
        return self.answer(self.get_object())

    @extend_schema(request=NewNodeSerializer, responses={201: OnboardedSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Announce a node. The answer holds the command that brings it in, this once: the key in it is good for one
        use, for an hour. The key that the node then signs with is made for it alone, and nobody sees it."""
        self.access.require_staffs_proof(now=timezone.now())
        sent = NewNodeSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        asked, now = sent.validated_data, timezone.now()
        node, one_time = fleet.announce(
            asked["name"],
            asked["cluster"]["name"],
            create_cluster=asked["create_cluster"],
            by=self.actor,
            now=now,
        )
        return self.answer(node, status=201, onboarding=shown(one_time, "join"))

    @extend_schema(
        parameters=[OpenApiParameter("force", bool, description="Even if it takes traffic.")], responses={204: None}
    )
    def destroy(self, request: Request, **_: Any) -> Response:
        """Let it go for good. Refused for the last one that serves its cluster's tenants."""
        self.access.require_staffs_proof(now=timezone.now())
        force = request.query_params.get("force", "false")
        if force not in ("true", "false"):
            raise InvalidField("force", "Send true or false.")
        node_removal.remove(self.get_object(), by=self.actor, now=timezone.now(), force=force == "true")
        return Response(status=204)

    @extend_schema(request=CordonSerializer, responses=FleetNodeSerializer)
    @action(detail=True, methods=["post"])
    def cordon(self, request: Request, **_: Any) -> Response:
        """Entrust nothing new to it: no tenant comes to its cluster, no canary is tried on it. Who is there is served
        as ever, and their changes go out."""
        sent = CordonSerializer(data=request.data or {})
        sent.is_valid(raise_exception=True)
        asked = sent.validated_data
        cordons.cordon(
            self.get_object(), reason=asked["reason"], force=asked["force"], by=self.actor, now=timezone.now()
        )
        return self.answer(self.get_object())

    @extend_schema(request=None, responses=FleetNodeSerializer)
    @action(detail=True, methods=["post"])
    def uncordon(self, request: Request, **_: Any) -> Response:
        """Undo that."""
        cordons.uncordon(self.get_object(), by=self.actor, now=timezone.now())
        return self.answer(self.get_object())

    @extend_schema(request=None, responses=OnboardedSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-key")
    def rotate_key(self, request: Request, **_: Any) -> Response:
        """Have it change its key, by a command that is shown this once. The one before counts until the node has spoken
        with the new one; its user in Redis goes with it. For one that has not come yet: another one-time key."""
        self.access.require_staffs_proof(now=timezone.now())
        node = self.get_object()
        one_time = node_keys.rotate(node, by=self.actor, now=timezone.now())
        return self.answer(self.get_object(), onboarding=shown(one_time, node_keys.act_for(node)))

    @extend_schema(request=None, responses=FleetNodeSerializer)
    @action(detail=True, methods=["post"])
    def redeploy(self, request: Request, **_: Any) -> Response:
        """Send it all that it shall have, to be taken as if it had nothing, and loaded anew; no request is lost."""
        fleet.redeploy(self.get_object(), by=self.actor, now=timezone.now())
        return self.answer(self.get_object())


def shown(one_time: OneTime, act: str) -> dict[str, Any]:
    return {
        "key": one_time.key,
        "command": f"python3 manage.py node {act} {settings.BASE_URL} {one_time.key}",
        "until": moment(one_time.until.timestamp()),
    }
