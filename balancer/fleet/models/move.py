"""A tenant on its way from one cluster to another."""

from django.conf import settings
from django.db import models

from balancer.fleet.models.cluster import Cluster
from tenants.ids import new_id
from tenants.models import Tenant


class MoveEnding(models.TextChoices):
    MOVED = "moved", "Moved"
    CALLED_OFF = "called_off", "Called off"


class Move(models.Model):
    """Both clusters carry it from the beginning until the old one lets go.

    `switched_at`: the new one was seen to serve it and is its cluster since; `let_go_at`: the old one was told to
    forget it, at `let_go_generation`; `ended_at`: every node of it has. `waits_for` says what the next step needs.
    """

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="moves")
    origin = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    target = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    grace_seconds = models.PositiveIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    began_at = models.DateTimeField()
    switched_at = models.DateTimeField(null=True)
    let_go_at = models.DateTimeField(null=True)
    let_go_generation = models.PositiveBigIntegerField(default=0)
    waits_for = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=12, choices=MoveEnding, blank=True)

    class Meta:
        ordering = ("-began_at", "id")
        constraints = (
            models.UniqueConstraint(fields=["tenant"], condition=models.Q(ended_at=None), name="move_one_at_a_time"),
            models.CheckConstraint(condition=~models.Q(origin=models.F("target")), name="move_leads_elsewhere"),
        )

    def __str__(self) -> str:
        return f"{self.tenant_id} from {self.origin} to {self.target}"
