"""One address that answers."""

from django.db import models
from django.db.models import Q

from balancer.haproxy.desired import AdminState
from balancer.haproxy.naming import server_key
from balancer.models.pools import Pool
from tenants.ids import new_id


class Backend(models.Model):
    """Goes by an `ip`, or by the name of a `host`, which is looked up. `moves` counts its changes of address."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="backends")
    ip = models.GenericIPAddressField(null=True, blank=True)
    host = models.CharField(max_length=253, null=True, blank=True)
    port = models.PositiveIntegerField()
    moves = models.PositiveIntegerField(default=0, editable=False)
    weight = models.PositiveSmallIntegerField(default=100)
    admin = models.CharField(
        max_length=8, choices=[(a.value, a.value) for a in AdminState], default=AdminState.READY.value
    )
    backup = models.BooleanField(default=False)
    max_connections = models.PositiveIntegerField(null=True, blank=True)
    check_port = models.PositiveIntegerField(null=True, blank=True)
    region = models.CharField(max_length=40, blank=True)
    description = models.CharField(max_length=500, blank=True)
    tags = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("created_at", "id")
        constraints = (
            models.UniqueConstraint(fields=["pool", "ip", "port"], name="backend_address_once_in_pool"),
            models.UniqueConstraint(fields=["pool", "host", "port"], name="backend_host_once_in_pool"),
            models.CheckConstraint(
                condition=Q(ip=None, host__isnull=False) | Q(ip__isnull=False, host=None),
                name="backend_has_ip_or_host",
            ),
            models.CheckConstraint(condition=Q(port__gte=1, port__lte=65535), name="backend_port_in_range"),
            models.CheckConstraint(condition=Q(weight__lte=256), name="backend_weight_in_range"),
            models.CheckConstraint(condition=Q(admin__in=[a.value for a in AdminState]), name="backend_admin_known"),
        )

    def __str__(self) -> str:
        return self.address

    @property
    def key(self) -> str:
        """Its name in HAProxy."""
        return server_key(self.id, self.moves)

    @property
    def address(self) -> str:
        at = self.host or self.ip or ""
        return f"[{at}]:{self.port}" if ":" in at else f"{at}:{self.port}"

    @property
    def place(self) -> tuple[str | None, str | None, int]:
        """Where it is: another one is another server to HAProxy."""
        return self.ip, self.host, self.port
