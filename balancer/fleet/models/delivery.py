"""How a tenant's changes go out: by themselves or when told, and whether one node tries them first."""

from django.db import models

from balancer.fleet.models.cluster import Node
from balancer.fleet.models.revision import Revision
from tenants.ids import new_id
from tenants.models import Tenant


class Deploy(models.TextChoices):
    AUTOMATIC = "automatic", "Automatic"
    STAGED = "staged", "Staged"


class Delivery(models.Model):
    """A tenant without a row deploys automatically, to all nodes at once."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="delivery")
    deploy = models.CharField(max_length=12, choices=Deploy, default=Deploy.AUTOMATIC)
    canary = models.BooleanField(default=False)
    canary_seconds = models.PositiveSmallIntegerField(default=30)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(deploy__in=Deploy.values), name="delivery_is_known"),
            models.CheckConstraint(
                condition=models.Q(canary_seconds__gte=5, canary_seconds__lte=600), name="delivery_seconds_in_range"
            ),
        )

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.deploy}"

    @property
    def etag(self) -> str:
        return f"delivery-{self.updated_at.timestamp() if self.updated_at else 0}"


class Trial(models.Model):
    """A revision on one node alone, and what is watched there: `before` is what the node showed at the start.

    `watched_from` null: the node does not serve it yet. One under way for a tenant: what comes meanwhile waits.
    """

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="trials")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="trials")
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="trials")
    generation = models.PositiveBigIntegerField()
    seconds = models.PositiveSmallIntegerField()
    before = models.JSONField(default=dict)
    began_at = models.DateTimeField()
    watched_from = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-began_at", "id")
        constraints = (
            models.UniqueConstraint(fields=["tenant"], condition=models.Q(ended_at=None), name="trial_one_at_a_time"),
        )

    def __str__(self) -> str:
        return f"{self.revision} tried on {self.node}"
