"""Have a tenant leave a cluster softly: it moves to another, and no request is lost."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.fields import DAY_MS, DurationField
from balancer.api.staff import StaffOnly
from balancer.fleet.models import Cluster, Move
from balancer.services import moves
from tenants.errors import InvalidField, NotFound
from tenants.models import Tenant
from tenants.queries import directory
from tenants.restkit.serializers import StrictSerializer
from tenants.restkit.viewsets import KitViewSet
from tenants.scope import platform_scope, tenant_scope


class LeaveSerializer(StrictSerializer):
    confirm = serializers.BooleanField(default=False, help_text="True: you mean it.")
    tenant = serializers.CharField(max_length=40, help_text="Its slug or id.")
    to = serializers.CharField(max_length=40, help_text="The cluster that takes it, by name or id.")
    grace = DurationField(
        least=0, most=7 * DAY_MS, default=60_000, help_text="For how long the old cluster goes on serving."
    )


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


class SystemDrainView(KitViewSet):
    """For staff. `POST` begins, `GET` tells how far, `DELETE ?tenant=` undoes while the old cluster serves."""

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
        return Response({"items": MoveSerializer(rows, many=True).data})

    @extend_schema(request=LeaveSerializer, responses={201: MoveSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Move a tenant to another cluster: both serve it until the new one was seen to, and for the grace."""
        sent = LeaveSerializer(data=request.data or {})
        sent.is_valid(raise_exception=True)
        asked = sent.validated_data
        if not asked["confirm"]:
            raise InvalidField("confirm", "This moves traffic. Send “confirm”: true if you mean it.", "not_confirmed")
        tenant, target = self.tenant_of(asked["tenant"]), cluster_of(asked["to"])
        grace = timedelta(milliseconds=asked["grace"])
        with tenant_scope(tenant):
            move = moves.begin(tenant, target, grace=grace, by=self.actor, now=timezone.now())
        return Response(MoveSerializer(move).data, status=201)

    @extend_schema(responses=MoveSerializer)
    def destroy(self, request: Request, **_: Any) -> Response:
        """Call a tenant's move off: it goes back to where it was."""
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
