"""Backends that answer the same requests."""

from django.db import models
from django.db.models import Q

from balancer.haproxy.desired import Algorithm, CheckType
from balancer.haproxy.listeners import Mode
from balancer.haproxy.serving import ProxyProtocol, StickyType
from tenants.ids import new_id

MILLISECONDS = Q(check_interval_ms__gte=100, check_interval_ms__lte=3_600_000)


class Pool(models.Model):
    """Durations in milliseconds. What is None, empty or 0 has no limit, or is off.

    `tls_bundle` names the file of certificate and key
    that is sealed in `UpstreamFile`: the key itself is in no row of a tenant, and so in no document of one.
    """

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    name = models.CharField(max_length=80, unique=True)
    mode = models.CharField(max_length=4, choices=[(m.value, m.value) for m in Mode], default=Mode.HTTP.value)
    algorithm = models.CharField(
        max_length=24, choices=[(a.value, a.value) for a in Algorithm], default=Algorithm.ROUND_ROBIN.value
    )
    description = models.CharField(max_length=500, blank=True)
    tags = models.JSONField(default=list, blank=True)
    retries = models.PositiveSmallIntegerField(default=2)
    check_type = models.CharField(
        max_length=8, choices=[(c.value, c.value) for c in CheckType], default=CheckType.HTTP.value
    )
    check_method = models.CharField(max_length=8, default="GET")
    check_path = models.CharField(max_length=500, default="/")
    check_host = models.CharField(max_length=255, blank=True)
    check_headers = models.JSONField(default=dict, blank=True)
    check_expected_status = models.CharField(max_length=100, default="200-399")
    check_interval_ms = models.PositiveIntegerField(default=5000)
    check_timeout_ms = models.PositiveIntegerField(default=2000)
    check_rise = models.PositiveSmallIntegerField(default=2)
    check_fall = models.PositiveSmallIntegerField(default=3)
    check_port = models.PositiveIntegerField(null=True, blank=True)
    timeout_connect_ms = models.PositiveIntegerField(default=5000)
    timeout_server_ms = models.PositiveIntegerField(default=30000)
    timeout_queue_ms = models.PositiveIntegerField(default=5000)
    check_expected_body = models.CharField(max_length=200, blank=True)
    hash_header = models.CharField(max_length=64, blank=True)
    sticky_type = models.CharField(
        max_length=12, choices=[(t.value, t.value) for t in StickyType], default=StickyType.NONE.value
    )
    sticky_cookie_name = models.CharField(max_length=40, blank=True)
    sticky_ttl_ms = models.PositiveBigIntegerField(null=True, blank=True)
    backup_pool = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="takes_over_for"
    )
    max_connections = models.PositiveIntegerField(null=True, blank=True)
    max_queue = models.PositiveIntegerField(null=True, blank=True)
    slow_start_ms = models.PositiveIntegerField(null=True, blank=True)
    error_limit = models.PositiveIntegerField(null=True, blank=True)
    retry_on = models.JSONField(default=list, blank=True)
    tls_enabled = models.BooleanField(default=False)
    tls_verify = models.BooleanField(default=True)
    tls_ca = models.TextField(blank=True)
    tls_sni = models.CharField(max_length=253, blank=True)
    tls_certificate = models.TextField(blank=True)
    tls_bundle = models.CharField(max_length=64, blank=True, editable=False)
    proxy_protocol = models.CharField(
        max_length=8, choices=[(p.value, p.value) for p in ProxyProtocol], default=ProxyProtocol.NONE.value
    )
    http2 = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(algorithm__in=[a.value for a in Algorithm]), name="pool_algorithm_is_known"
            ),
            models.CheckConstraint(condition=Q(mode__in=[m.value for m in Mode]), name="pool_mode_is_known"),
            models.CheckConstraint(condition=Q(retries__lte=10), name="pool_retries_in_range"),
            models.CheckConstraint(condition=MILLISECONDS, name="pool_interval_in_range"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def key(self) -> str:
        """Its part of the name in HAProxy."""
        return f"p{self.id}"

    @property
    def tls_key(self) -> str:
        """It is written and never read."""
        return ""
