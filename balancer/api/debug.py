"""What shall run against what runs, node by node, for whoever looks for a mistake."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.status import OwnOrFleet
from balancer.models import Backend
from balancer.queries import backend_status, drifts
from balancer.queries.status_json import duration, moment
from tenants.restkit.viewsets import TenantView
from tenants.roles import Verb


class NodeSideSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    admin = serializers.CharField()
    weight = serializers.IntegerField(allow_null=True)
    oper = serializers.CharField()
    sessions = serializers.IntegerField()
    age = serializers.CharField(allow_null=True)
    differs = serializers.ListField(child=serializers.CharField())


class SideBySideSerializer(serializers.Serializer[Any]):
    pool = serializers.CharField()
    backend = serializers.CharField()
    address = serializers.CharField()
    admin = serializers.CharField()
    weight = serializers.IntegerField()
    nodes = NodeSideSerializer(many=True)


class DriftSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    tenant = serializers.CharField()
    since = serializers.DateTimeField(allow_null=True)
    lines = serializers.ListField(child=serializers.CharField())


class DebugPoolsSerializer(serializers.Serializer[Any]):
    backends = SideBySideSerializer(many=True)
    drift = DriftSerializer(many=True)


class DebugPoolsViewSet(TenantView):
    """For a tenant's admins, and for staff, who without a tenant see every drift."""

    permission_classes: ClassVar[tuple[type[BasePermission], ...]] = (OwnOrFleet,)  # type: ignore[assignment,misc]
    serializer_class = DebugPoolsSerializer
    pagination_class = None
    filter_backends = ()
    verbs: ClassVar[dict[str, Verb]] = {**TenantView.verbs, "list": Verb.SECRETS}

    @extend_schema(responses=DebugPoolsSerializer)
    def list(self, request: Request, **_: Any) -> Response:
        """Desired beside running for each backend and node, with the age of what is known, and what drifted, line by
        line, until it is put right."""
        tenant = self.access.tenant
        sides = [] if tenant is None else side_by_side(tenant.pk)
        return Response({"backends": sides, "drift": drift_of(None if tenant is None else tenant.pk)})


def side_by_side(tenant_id: str) -> list[dict[str, Any]]:
    rows = list(Backend.objects.order_by("pool_id", "created_at", "id"))
    seen = backend_status.of(tenant_id, rows, now=timezone.now())
    return [
        {
            "pool": row.pool_id,
            "backend": row.pk,
            "address": row.address,
            "admin": row.admin,
            "weight": row.weight,
            "nodes": [
                {
                    "node": node.node,
                    "admin": node.admin,
                    "weight": node.weight,
                    "oper": node.oper.value,
                    "sessions": node.sessions,
                    "age": duration(node.age),
                    "differs": [
                        name
                        for name, shall, does in (
                            ("admin", row.admin, node.admin),
                            ("weight", row.weight, node.weight),
                        )
                        if shall != does
                    ],
                }
                for node in seen[row.pk].status.nodes
            ],
        }
        for row in rows
    ]


def drift_of(tenant_id: str | None) -> list[dict[str, Any]]:
    return [
        {"node": name, "tenant": whose, "since": moment(drift.at), "lines": lines}
        for name, drift in drifts.all_nodes().items()
        for whose, lines in sorted(drift.lines.items())
        if tenant_id in (None, whose)
    ]
