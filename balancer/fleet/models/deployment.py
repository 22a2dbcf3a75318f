"""One attempt to bring a node to a tenant's revision."""

from django.db import models

from balancer.fleet.models.cluster import Node
from balancer.fleet.models.revision import Revision
from tenants.ids import new_id
from tenants.models import Tenant


class DeploymentState(models.TextChoices):
    QUEUED = "queued", "Queued"
    RELOAD_DUE = "reload_due", "Waiting for the gathered reload"
    LIVE = "live", "Live"
    REFUSED = "refused", "Refused by HAProxy"
    FAILED = "failed", "Failed"
    SUPERSEDED = "superseded", "Superseded"


OPEN = (DeploymentState.QUEUED, DeploymentState.RELOAD_DUE)
NOT_TAKEN = (DeploymentState.REFUSED, DeploymentState.FAILED)


class Deployment(models.Model):
    """`steps` are what the node did, as it reported them; `words` are HAProxy's, paths removed."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="deployments")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="deployments")
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="deployments")
    generation = models.PositiveBigIntegerField()
    state = models.CharField(max_length=12, choices=DeploymentState, default=DeploymentState.QUEUED)
    reason = models.CharField(max_length=500, blank=True)
    words = models.TextField(blank=True)
    steps = models.JSONField(default=list)
    queued_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-queued_at", "id")
        indexes = (
            models.Index(fields=["tenant", "-queued_at"], name="deployment_by_tenant"),
            models.Index(fields=["node", "generation"], name="deployment_by_node"),
            models.Index(fields=["queued_at"], name="deployment_by_time"),
            models.Index(
                fields=["tenant"],
                condition=models.Q(state__in=["queued", "reload_due", "refused", "failed"]),
                name="deployment_unsettled",
            ),
        )

    def __str__(self) -> str:
        return f"{self.revision} on {self.node}"

    @property
    def etag(self) -> str:
        return f"{self.pk}-{self.state}-{len(self.steps)}"
