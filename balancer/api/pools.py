"""Pools: list, get, create, update, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from balancer.api.changes import ObservedViewSet
from balancer.api.fields import DAY_MS, BackupPoolField, DurationField, NullableText
from balancer.api.filters import DurationFilter
from balancer.api.status_fields import FRESH
from balancer.haproxy.desired import Algorithm, CheckType
from balancer.haproxy.listeners import Mode
from balancer.haproxy.serving import ProxyProtocol, RetryOn, StickyType
from balancer.models import Pool
from balancer.queries import status
from balancer.queries.observed import NO_POOL, PoolStatus
from balancer.queries.status_json import pool_json
from balancer.services import pools, rules, serving_rules, upstream_files
from balancer.services.edits import Changed
from balancer.services.upstream_files import MOST
from tenants.restkit.serializers import StrictSerializer


class HealthCheckSerializer(StrictSerializer):
    type = serializers.ChoiceField([c.value for c in CheckType], source="check_type", default="http")
    method = serializers.ChoiceField(rules.CHECK_METHODS, source="check_method", default="GET")
    path = serializers.CharField(source="check_path", default="/", max_length=500)
    host = NullableText(source="check_host", max_length=253, help_text="The Host header of the check.")
    headers = serializers.DictField(child=serializers.CharField(max_length=200), source="check_headers", default=dict)
    expected_body = NullableText(source="check_expected_body", max_length=200, help_text="What the answer contains.")
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


class StickySerializer(StrictSerializer):
    type = serializers.ChoiceField([t.value for t in StickyType], source="sticky_type", default="none")
    cookie_name = NullableText(source="sticky_cookie_name", max_length=40)
    ttl = DurationField(
        source="sticky_ttl_ms",
        default=None,
        allow_null=True,
        least=1000,
        most=365 * DAY_MS,
        help_text="Since the last use.",
    )


class TlsSerializer(StrictSerializer):
    enabled = serializers.BooleanField(source="tls_enabled", default=False)
    verify = serializers.BooleanField(source="tls_verify", default=True)
    ca = NullableText(source="tls_ca", max_length=MOST, help_text="PEM; null: the authorities that the nodes trust.")
    sni = NullableText(source="tls_sni", max_length=253, help_text="null: the host that the client asked for.")
    certificate = NullableText(source="tls_certificate", max_length=MOST, help_text="The client certificate, in PEM.")
    key = NullableText(
        source="tls_key", max_length=MOST, write_only=True,
        help_text="Its key, in PEM. It cannot be read again; without it, the certificate keeps the key it came with.",
    )  # fmt: skip


class PoolTlsStatusSerializer(serializers.Serializer[Any]):
    ca_ends = serializers.DateTimeField(allow_null=True)
    certificate_ends = serializers.DateTimeField(allow_null=True)


class PoolStatusSerializer(serializers.Serializer[Any]):
    up = serializers.IntegerField()
    total = serializers.IntegerField()
    fresh = serializers.ChoiceField(FRESH)
    age = serializers.CharField(allow_null=True)
    sessions = serializers.IntegerField()
    rate = serializers.IntegerField(help_text="Sessions a second.")
    queue = serializers.IntegerField()
    bytes_in = serializers.IntegerField(help_text="From clients, since the nodes' workers began to look.")
    bytes_out = serializers.IntegerField(help_text="To clients.")
    tls = PoolTlsStatusSerializer()


class PoolSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    name = serializers.CharField(max_length=80)
    mode = serializers.ChoiceField(
        [m.value for m in Mode], default=Mode.HTTP.value, help_text="For good: tcp is for listeners, http for routes."
    )
    algorithm = serializers.ChoiceField(
        [*(a.value for a in Algorithm), *serving_rules.NOT_HERE],
        default=Algorithm.ROUND_ROBIN.value,
        help_text=f"Known and refused here: {' '.join(serving_rules.NOT_HERE.values())}",
    )
    hash_header = NullableText(max_length=64, help_text="What header_hash goes by.")
    sticky = StickySerializer(source="*", required=False)
    health_check = HealthCheckSerializer(source="*", required=False)
    timeouts = TimeoutsSerializer(source="*", required=False)
    retries = serializers.IntegerField(default=2, min_value=0, max_value=10)
    retry_on = serializers.ListField(
        child=serializers.ChoiceField([one.value for one in RetryOn]), default=list, max_length=len(RetryOn),
        help_text="Beside a connection that failed; only GET, HEAD and OPTIONS are sent again.",
    )  # fmt: skip
    tls = TlsSerializer(source="*", required=False)
    proxy_protocol = serializers.ChoiceField([p.value for p in ProxyProtocol], default=ProxyProtocol.NONE.value)
    http2 = serializers.BooleanField(default=False, help_text="To the backends: by ALPN over TLS, else in clear.")
    backup_pool = BackupPoolField()
    max_connections = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=1_000_000)
    max_queue = serializers.IntegerField(default=None, allow_null=True, min_value=1, max_value=1_000_000)
    slow_start = DurationField(source="slow_start_ms", default=None, allow_null=True, least=100, most=pools.HOUR_MS)
    error_limit = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, max_value=10_000,
        help_text="Errors in a row of real requests after which a backend is down until a check says otherwise.",
    )  # fmt: skip
    description = serializers.CharField(default="", allow_blank=True, max_length=500)
    tags = serializers.ListField(child=serializers.CharField(max_length=40), default=list, max_length=rules.TAGS_MAX)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)
    status = serializers.SerializerMethodField()

    @extend_schema_field(PoolStatusSerializer)
    def get_status(self, pool: Pool) -> dict[str, Any]:
        seen = self.context["view"].statuses.get(pool.key, NO_POOL)
        ends = {
            "ca_ends": upstream_files.ends(pool.tls_ca),
            "certificate_ends": upstream_files.ends(pool.tls_certificate),
        }
        return {**pool_json(seen), "tls": ends}


class PoolFilter(filters.FilterSet):
    slow_start = DurationFilter(field_name="slow_start_ms")

    class Meta:
        model = Pool
        fields = ("name", "mode", "algorithm", "sticky_type", "backup_pool", "proxy_protocol", "http2", "tls_enabled")


class PoolViewSet(ObservedViewSet):
    """Backends that answer the same requests."""

    queryset = Pool.objects.all()
    serializer_class = PoolSerializer
    filterset_class = PoolFilter
    search_fields = ("name", "description")
    ordering_fields = ("name", "algorithm", "created_at", "updated_at")
    statuses: Mapping[str, PoolStatus] = {}

    def observe(self, shown: Sequence[Pool]) -> None:
        self.statuses = status.pools(self.tenant.key, [pool.key for pool in shown], now=self.now) if shown else {}

    def act_create(self, values: dict[str, Any]) -> Changed[Pool]:
        if values.get("mode") == Mode.TCP:
            values.setdefault("check_type", CheckType.TCP.value)
        return pools.create(pools.NewPool(**values), by=self.actor, now=self.now)

    def act_update(self, obj: Pool, values: dict[str, Any]) -> Changed[Pool]:
        if self.action == "update":
            values = asdict(pools.NewPool(**values))
        return pools.update(obj, values, by=self.actor, now=self.now)

    def act_delete(self, obj: Pool) -> Changed[Pool]:
        return pools.delete(obj, by=self.actor, now=self.now)
