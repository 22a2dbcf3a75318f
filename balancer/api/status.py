"""The service's status: parts, latency, leader, counts; a tenant's own view, or the whole for staff."""

from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from balancer.models import Backend, Pool, Route
from balancer.queries import cluster, health, system
from balancer.queries.cluster import ClusterView
from balancer.queries.status_json import duration, moment
from balancer.queries.system import State
from tenants.models import Tenant
from tenants.restkit import access
from tenants.restkit.permissions import TenantRight
from tenants.restkit.viewsets import TenantView
from tenants.roles import Verb


class OwnOrFleet(TenantRight):
    """A tenant's view of it, or, for staff who name no tenant, the platform's."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        found = access.of(request._request)
        if found.is_staff and isinstance(found.problem, access.TenantRequired):
            return True
        return super().has_permission(request, view)


class PartSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField([state.value for state in State])
    latency = serializers.CharField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    last_error = serializers.CharField(allow_null=True)
    failed_at = serializers.DateTimeField(allow_null=True)


class LeaderSerializer(serializers.Serializer[Any]):
    held = serializers.BooleanField(allow_null=True)
    expires_in = serializers.CharField(allow_null=True)


class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["ok", "degraded"])
    parts = serializers.DictField(child=PartSerializer())


class StatusSerializer(HealthSerializer):
    version = serializers.CharField()
    uptime = serializers.CharField()
    leader = LeaderSerializer()
    counts = serializers.DictField(child=serializers.IntegerField())


class StatusViewSet(TenantView):
    permission_classes: ClassVar[tuple[type[BasePermission], ...]] = (OwnOrFleet,)  # type: ignore[assignment,misc]
    verbs: ClassVar[dict[str, Verb]] = {**TenantView.verbs, "health": Verb.VIEW}
    serializer_class = StatusSerializer
    pagination_class = None
    filter_backends = ()
    # It is asked for when something is wrong, and throttles are kept in Redis.
    throttle_class_name = ""

    @extend_schema(responses=StatusSerializer)
    def list(self, request: Request, **_: Any) -> Response:
        """Show the service's parts, its leader, and how much there is."""
        clusters = self._clusters()
        leader = system.leader()
        parts = parts_json(clusters)
        body = {
            "status": overall(parts),
            "version": settings.VERSION,
            "uptime": duration(system.uptime()),
            "leader": {"held": leader.held, "expires_in": duration(leader.expires_in)},
            "parts": parts,
            "counts": {**node_counts(clusters), **self.counts()},
        }
        return Response(body)

    @extend_schema(responses=HealthSerializer)
    @action(detail=False)
    def health(self, request: Request, **_: Any) -> Response:
        """Show how the service's parts are."""
        parts = parts_json(self._clusters())
        return Response({"status": overall(parts), "parts": parts})

    def _clusters(self) -> tuple[ClusterView, ...]:
        tenant = self.access.tenant
        if tenant is None:
            return cluster.of_fleet(now=timezone.now())
        return cluster.of_tenant(tenant.pk, now=timezone.now())

    def counts(self) -> dict[str, int]:
        if self.access.tenant is None:
            return {"tenants": Tenant.objects.count()}
        return {
            "pools": Pool.objects.count(),
            "backends": Backend.objects.count(),
            "routes": Route.objects.count(),
        }


def parts_json(clusters: tuple[ClusterView, ...]) -> dict[str, dict[str, Any]]:
    told = {part.name: _probed(part) for part in health.parts()}
    workers = system.workers(now=timezone.now())
    told["workers"] = _state(workers.state, "No worker has finished a task lately.")
    told["nodes"] = _state(_nodes_state(clusters), "A node does not answer, or could not deploy.")
    return told


def overall(parts: dict[str, dict[str, Any]]) -> str:
    return "ok" if all(part["state"] == State.UP for part in parts.values()) else "degraded"


def node_counts(clusters: tuple[ClusterView, ...]) -> dict[str, int]:
    nodes = [node for one in clusters for node in one.nodes]
    return {"nodes": len(nodes), "nodes_healthy": sum(node.healthy for node in nodes)}


def _nodes_state(clusters: tuple[ClusterView, ...]) -> State:
    healthy = [node.healthy for one in clusters for node in one.nodes]
    if not healthy:
        return State.UNKNOWN
    if all(healthy):
        return State.UP
    return State.DEGRADED if any(healthy) else State.DOWN


def _probed(part: health.Part) -> dict[str, Any]:
    return {
        "state": State.UP if part.up else State.DOWN,
        "latency": duration(part.latency),
        "error": part.error or None,
        "last_error": part.last_error or None,
        "failed_at": moment(part.failed_at),
    }


def _state(state: State, sentence: str) -> dict[str, Any]:
    error = None if state is State.UP else sentence if state is not State.UNKNOWN else "Nothing is known of it."
    return {"state": state, "latency": None, "error": error, "last_error": error, "failed_at": None}
