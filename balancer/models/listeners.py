"""Ways in beside the shared ports for HTTP: a port of the tenant's own, or a name on the shared port for TLS."""

from django.db import models
from django.db.models import Q

from balancer.haproxy.listeners import IDLE_MAX_MS, IDLE_MIN_MS, IDLE_MS, ListenerKind
from balancer.models.pools import Pool
from tenants.ids import new_id

TCP, PASSTHROUGH = ListenerKind.TCP.value, ListenerKind.TLS_PASSTHROUGH.value
ONE_WAY = Q(kind=TCP, port__isnull=False, host=None) | Q(kind=PASSTHROUGH, port=None, host__isnull=False)


class Listener(models.Model):
    """A `tcp` one has a `port`, a `tls_passthrough` one a `host`. `max_connections` None: as many as the nodes take."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in ListenerKind])
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="listeners")
    port = models.PositiveIntegerField(null=True, blank=True, unique=True)
    host = models.CharField(max_length=255, null=True, blank=True, unique=True)
    allowed_cidrs = models.JSONField(default=list, blank=True)
    max_connections = models.PositiveIntegerField(null=True, blank=True)
    proxy_protocol = models.BooleanField(default=False)
    idle_timeout_ms = models.PositiveIntegerField(default=IDLE_MS)
    enabled = models.BooleanField(default=True)
    description = models.CharField(max_length=500, blank=True)
    tags = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("kind", "port", "host", "id")
        constraints = (
            models.CheckConstraint(condition=ONE_WAY, name="listener_has_port_or_host"),
            models.CheckConstraint(
                condition=Q(idle_timeout_ms__gte=IDLE_MIN_MS, idle_timeout_ms__lte=IDLE_MAX_MS),
                name="listener_idle_in_range",
            ),
        )

    def __str__(self) -> str:
        return self.host or f"port {self.port}"

    @property
    def key(self) -> str:
        return f"l{self.id}"
