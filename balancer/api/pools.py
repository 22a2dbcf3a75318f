"""Pools: list, get, create, update, delete."""

from dataclasses import asdict
from typing import Any

from django_filters import rest_framework as filters
from rest_framework import serializers

from balancer.api.changes import ChangeViewSet
from balancer.api.fields import DurationField
from balancer.haproxy.desired import Algorithm, CheckType
from balancer.models import Pool
from balancer.services import pools, rules
from balancer.services.edits import Changed
from tenants.restkit.serializers import StrictSerializer


class HealthCheckSerializer(StrictSerializer):
    type = serializers.ChoiceField([c.value for c in CheckType], source="check_type", default="http")
    method = serializers.ChoiceField(rules.CHECK_METHODS, source="check_method", default="GET")
    path = serializers.CharField(source="check_path", default="/", max_length=500)
    host = serializers.CharField(source="check_host", default="", allow_blank=True, max_length=253)
    headers = serializers.DictField(child=serializers.CharField(max_length=200), source="check_headers", default=dict)
    expected_status = serializers.CharField(source="check_expected_status", default="200-399", max_length=100)
    interval = DurationField(source="check_interval_ms", default=5000, least=100, most=pools.HOUR_MS)
    timeout = DurationField(source="check_timeout_ms", default=2000, least=10, most=pools.HOUR_MS)
    rise = serializers.IntegerField(source="check_rise", default=2, min_value=1, max_value=100)
    fall = serializers.IntegerField(source="check_fall", default=3, min_value=1, max_value=100)
    port = serializers.IntegerField(
        source="check_port", default=None, allow_null=True, min_value=1, max_value=rules.PORT_MAX
    )


class TimeoutsSerializer(StrictSerializer):
    connect = DurationField(source="timeout_connect_ms", default=5000, least=10)
    server = DurationField(source="timeout_server_ms", default=30000, least=10)
    queue = DurationField(source="timeout_queue_ms", default=5000, least=10)


class PoolSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=80)
    algorithm = serializers.ChoiceField([a.value for a in Algorithm], default=Algorithm.ROUND_ROBIN.value)
    health_check = HealthCheckSerializer(source="*", required=False)
    timeouts = TimeoutsSerializer(source="*", required=False)
    retries = serializers.IntegerField(default=2, min_value=0, max_value=10)
    description = serializers.CharField(default="", allow_blank=True, max_length=500)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=rules.TAGS_MAX)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)


class PoolFilter(filters.FilterSet):
    class Meta:
        model = Pool
        fields = ("name", "algorithm")


class PoolViewSet(ChangeViewSet):
    """Backends that answer the same requests."""

    queryset = Pool.objects.all()
    serializer_class = PoolSerializer
    filterset_class = PoolFilter
    search_fields = ("name", "description")
    ordering_fields = ("name", "algorithm", "created_at", "updated_at")

    def act_create(self, values: dict[str, Any]) -> Changed[Pool]:
        return pools.create(pools.NewPool(**values), by=self.actor, now=self.now)

    def act_update(self, obj: Pool, values: dict[str, Any]) -> Changed[Pool]:
        if self.action == "update":
            values = asdict(pools.NewPool(**values))
        return pools.update(obj, values, by=self.actor, now=self.now)

    def act_delete(self, obj: Pool) -> Changed[Pool]:
        return pools.delete(obj, by=self.actor, now=self.now)
