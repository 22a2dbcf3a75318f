"""/api/debug/performance: what takes the time. Off unless whoever runs the service switched it on."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.staff import StaffOnly
from balancer.fleet.models import Node
from balancer.queries import performance
from tenants.errors import Refused
from tenants.restkit.viewsets import KitViewSet

OFF = "This is off here. Whoever runs the service switches it on with VELOFLUX_DEBUG_PERFORMANCE=true."


class SlowSerializer(serializers.Serializer[Any]):
    labels = serializers.DictField(child=serializers.CharField())
    count = serializers.IntegerField()
    mean_ms = serializers.SerializerMethodField()
    p95_at_most_ms = serializers.SerializerMethodField()

    def get_mean_ms(self, slow: performance.Slow) -> float:
        return round(slow.mean * 1000, 2)

    def get_p95_at_most_ms(self, slow: performance.Slow) -> float | None:
        """Null: more than the longest that is told apart."""
        return None if slow.p95_at_most is None else slow.p95_at_most * 1000


class PerformanceSerializer(serializers.Serializer[Any]):
    process = serializers.DictField(help_text="The one that answers.")
    database = serializers.DictField()
    redis = serializers.DictField(allow_null=True, help_text="Null while it is away.")
    queues = serializers.DictField(
        child=serializers.IntegerField(), allow_null=True, help_text="Messages that wait; null while Redis is away."
    )
    requests = SlowSerializer(many=True, help_text="Of all processes since they started, by their time together.")
    tasks = SlowSerializer(many=True)


class DebugPerformanceViewSet(KitViewSet):
    permission_classes = (StaffOnly,)
    serializer_class = PerformanceSerializer
    queryset = Node.objects.none()
    pagination_class = None
    filter_backends = ()

    @extend_schema(responses=PerformanceSerializer)
    def list(self, request: Request, **_: Any) -> Response:
        """The process that answers, the database, Redis, the queues, and what took the most time."""
        if not settings.DEBUG_PERFORMANCE:
            raise Refused(OFF, "off", 404)
        return Response(
            {
                "process": performance.of_process(),
                "database": performance.of_database(),
                "redis": performance.asked_of(performance.of_redis),
                "queues": performance.asked_of(performance.of_queues),
                "requests": SlowSerializer(performance.slowest(performance.REQUESTS), many=True).data,
                "tasks": SlowSerializer(performance.slowest(performance.TASKS), many=True).data,
            }
        )
