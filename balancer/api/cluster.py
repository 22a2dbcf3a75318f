"""The nodes that carry a tenant's traffic, read-only; all of them for staff."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.status import LeaderSerializer, OwnOrFleet
from balancer.queries import cluster, system
from balancer.queries.cluster import ClusterView, NodeView
from balancer.queries.status_json import duration, moment
from tenants.restkit.viewsets import TenantView


class NodeSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    heartbeat_at = serializers.DateTimeField(allow_null=True)
    age = serializers.CharField(allow_null=True)
    fresh = serializers.CharField()
    healthy = serializers.BooleanField()
    serving = serializers.BooleanField(allow_null=True, help_text="Whether its HAProxy answers.")
    generation = serializers.IntegerField()
    sync = serializers.CharField()
    outcome = serializers.CharField()


class OneClusterSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    generation = serializers.IntegerField()
    nodes = NodeSerializer(many=True)


class ClusterSerializer(serializers.Serializer[Any]):
    leader = LeaderSerializer()
    clusters = OneClusterSerializer(many=True)


class ClusterViewSet(TenantView):
    permission_classes: ClassVar[tuple[type[BasePermission], ...]] = (OwnOrFleet,)  # type: ignore[assignment,misc]
    serializer_class = ClusterSerializer
    pagination_class = None
    filter_backends = ()

    @extend_schema(responses=ClusterSerializer)
    def list(self, request: Request, **_: Any) -> Response:
        """Show the nodes that carry the tenant's traffic, and who leads."""
        now, tenant = timezone.now(), self.access.tenant
        clusters = cluster.of_fleet(now=now) if tenant is None else cluster.of_tenant(tenant.pk, now=now)
        leader = system.leader()
        body = {
            "leader": {"held": leader.held, "expires_in": duration(leader.expires_in)},
            "clusters": [cluster_json(one) for one in clusters],
        }
        return Response(body)


def cluster_json(one: ClusterView) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "generation": one.generation,
        "nodes": [node_json(node) for node in one.nodes],
    }


def node_json(node: NodeView) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": node.name,
        "version": node.version,
        "heartbeat_at": moment(node.heard_at),
        "age": duration(node.age),
        "fresh": node.fresh.value,
        "healthy": node.healthy,
        "serving": node.serving,
        "generation": node.generation,
        "sync": node.sync.value,
        "outcome": node.outcome,
    }
