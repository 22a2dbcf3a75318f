"""Have a node leave service, or a tenant its cluster, softly: no request is lost, and all of it can be undone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.fields import DAY_MS, DurationField
from balancer.api.staff import StaffOnly
from balancer.fleet.models import Cluster, Move, Node, Service
from balancer.queries import status
from balancer.queries.status_json import duration
from balancer.services import moves, node_service
from tenants.errors import InvalidField, NotFound
from tenants.models import Tenant
from tenants.queries import directory
from tenants.restkit.serializers import StrictSerializer
from tenants.restkit.viewsets import KitViewSet
from tenants.scope import platform_scope, tenant_scope


class LeaveSerializer(StrictSerializer):
    confirm = serializers.BooleanField(default=False, help_text="True: you mean it.")
    node = serializers.CharField(max_length=40, default=None, allow_null=True, help_text="By name or id.")
    tenant = serializers.CharField(max_length=40, default=None, allow_null=True, help_text="By slug or id.")
    to = serializers.CharField(
        max_length=40, default=None, allow_null=True, help_text="The cluster that takes the tenant, by name or id."
    )
    grace = DurationField(
        least=0,
        most=7 * DAY_MS,
        default=60_000,
        help_text="How long the old cluster goes on serving the tenant; how long the node takes new connections.",
    )
    force = serializers.BooleanField(default=False, help_text="Even if no other node of its cluster serves.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        sent: dict[str, Any] = super().validate(attrs)
        if not sent["confirm"]:
            raise InvalidField("confirm", "This moves traffic. Send “confirm”: true if you mean it.", "not_confirmed")
        if (sent["node"] is None) == (sent["tenant"] is None):
            raise InvalidField("node", "Name a “node” or a “tenant”; one of the two.", "required")
        if sent["tenant"] is not None and sent["to"] is None:
            raise InvalidField("to", "Name the cluster that takes the tenant.", "required")
        return sent


class MoveSerializer(serializers.ModelSerializer[Move]):
    tenant = serializers.CharField(source="tenant.slug")
    origin = serializers.CharField(source="origin.name")
    target = serializers.CharField(source="target.name")
    state = serializers.SerializerMethodField()
    seconds_left = serializers.SerializerMethodField()

    class Meta:
        model = Move
        fields = (
            "id", "tenant", "origin", "target", "state", "waits_for", "grace_seconds", "seconds_left", "began_at",
            "switched_at", "let_go_at", "ended_at",
        )  # fmt: skip

    def get_state(self, move: Move) -> str:
        """One of placing, grace, letting_go, moved, called_off."""
        if move.ended_at:
            return move.ending
        return "letting_go" if move.let_go_at else "grace" if move.switched_at else "placing"

    def get_seconds_left(self, move: Move) -> int | None:
        """Of the grace; null outside of it."""
        if move.switched_at is None or move.let_go_at is not None or move.ended_at is not None:
            return None
        left = move.switched_at + timedelta(seconds=move.grace_seconds) - timezone.now()
        return max(0, round(left.total_seconds()))


class NodeServiceSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    cluster = serializers.CharField()
    state = serializers.ChoiceField(Service.values)
    confirmed = serializers.BooleanField(help_text="The node says that it is so.")
    seconds_left = serializers.IntegerField(allow_null=True, help_text="Until it takes no new connections.")
    silent = serializers.BooleanField(help_text="It was not heard lately.")
    sessions = serializers.IntegerField(
        allow_null=True, help_text="Of the worker that runs; the one before finishes its own. Null while it is silent."
    )
    age = serializers.CharField(allow_null=True)


class SystemDrainView(KitViewSet):
    """For staff. `POST` begins, `GET` tells how far, `DELETE ?node=` brings it back, `DELETE
    ?tenant=` undoes while the old cluster serves."""

    permission_classes = (StaffOnly,)
    serializer_class: type[Any] = MoveSerializer
    queryset = Move.objects.none()
    filter_backends = ()
    pagination_class = None
    now: datetime
    rows: ClassVar = Move.objects.select_related("tenant", "origin", "target")

    @extend_schema(responses=MoveSerializer(many=True))
    def list(self, request: Request, **_: Any) -> Response:
        """What is under way, and the last hundred that ended."""
        with platform_scope():
            rows = list(self.rows.all()[:100])
            away = list(Node.objects.exclude(service=Service.IN, service_seen=Service.IN).select_related("cluster"))
            nodes = shown_nodes(away, now=timezone.now())
        return Response({"items": MoveSerializer(rows, many=True).data, "nodes": nodes})

    @extend_schema(request=LeaveSerializer, responses={201: MoveSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Move a tenant to another cluster: both serve it until the new one was seen to, and for the grace. Or take a
        node out: its readiness path answers 503 at once, and after the grace it takes no new connections."""
        sent = LeaveSerializer(data=request.data or {})
        sent.is_valid(raise_exception=True)
        asked = sent.validated_data
        grace, now = timedelta(milliseconds=asked["grace"]), timezone.now()
        if asked["node"] is not None:
            with platform_scope():
                node = node_service.leave(
                    node_of(asked["node"]), after=grace, by=self.actor, now=now, force=asked["force"]
                )
                return Response(shown_nodes([node], now=now)[0], status=201)
        tenant, target = self.tenant_of(asked["tenant"]), cluster_of(asked["to"])
        with tenant_scope(tenant):
            move = moves.begin(tenant, target, grace=grace, by=self.actor, now=timezone.now())
        return Response(MoveSerializer(move).data, status=201)

    @extend_schema(responses=MoveSerializer)
    def destroy(self, request: Request, **_: Any) -> Response:
        """Bring a node back, or call a tenant's move off: it goes back to where it was."""
        now = timezone.now()
        if "node" in request.query_params:
            with platform_scope():
                node = node_service.come_back(node_of(request.query_params["node"]), by=self.actor, now=now)
                return Response(shown_nodes([node], now=now)[0])
        tenant = self.tenant_of(request.query_params.get("tenant", ""))
        with tenant_scope(tenant):
            move = self.rows.filter(tenant=tenant, ended_at=None).first()
            if move is None:
                raise NotFound("Nothing of this tenant is under way.")
            move = moves.call_off(move, by=self.actor, now=timezone.now())
        return Response(MoveSerializer(move).data)

    def tenant_of(self, named: str) -> Tenant:
        found = directory.by_name(named) if named else None
        if found is None:
            raise InvalidField("tenant", "There is no such tenant; name it by its slug or id.", "unknown_tenant")
        return found


def cluster_of(named: str) -> Cluster:
    with platform_scope():
        found = Cluster.objects.filter(name=named).first() or Cluster.objects.filter(pk=named).first()
    if found is None:
        raise InvalidField("to", "There is no such cluster; name it by its name or id.", "unknown_cluster")
    return found


def node_of(named: str) -> Node:
    """In the platform's scope."""
    rows = Node.objects.select_related("cluster")
    found = rows.filter(name=named).first() or rows.filter(pk=named).first()
    if found is None:
        raise InvalidField("node", "There is no such node; name it by its name or id.", "unknown_node")
    return found


def shown_nodes(nodes: Sequence[Node], *, now: datetime) -> list[dict[str, Any]]:
    heard = {one.name: one for one in status.nodes(now=now)}
    found = []
    for node in nodes:
        seen = heard.get(node.name)
        silent = seen is None or not seen.counts
        left = None
        if node.service == Service.LEAVING and node.out_at is not None:
            left = max(0, round((node.out_at - now).total_seconds()))
        found.append(
            {
                "node": node.name,
                "cluster": node.cluster.name,
                "state": node.service,
                "confirmed": node.service == node.service_seen,
                "seconds_left": left,
                "silent": silent,
                "sessions": None if silent or seen is None else seen.sessions,
                "age": duration(seen.age) if seen else None,
            }
        )
    return found
