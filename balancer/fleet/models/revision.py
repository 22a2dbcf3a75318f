"""A tenant's desired state, numbered and immutable; and the newest of each, which nodes are composed from."""

from django.conf import settings
from django.db import models

from balancer.fleet.models.cluster import Cluster
from tenants.ids import new_id
from tenants.models import Tenant


class Revision(models.Model):
    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    state = models.JSONField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=["tenant", "number"], name="revision_number"),)
        indexes = (models.Index(fields=["created_at"], name="revision_by_time"),)

    def __str__(self) -> str:
        return f"r{self.number}"

    @property
    def etag(self) -> str:
        """It never changes."""
        return f"r{self.number}-{self.digest[:12]}"


class Contents(models.Model):
    """A tenant's objects as they were at a revision (`queries.objects`): what a diff shows and a rollback brings back.
    Beside the revision, because a list of revisions needs none of it."""

    revision = models.OneToOneField(Revision, on_delete=models.CASCADE, primary_key=True, related_name="contents")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    objects_kept = models.JSONField()

    def __str__(self) -> str:
        return f"what {self.revision_id} holds"


class Snapshot(models.Model):
    """The newest accepted desired state of a tenant on a cluster. `state` null: it left the cluster, and then outlives
    its tenant, so that a node which was away is told."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.DO_NOTHING, db_constraint=False, related_name="snapshots")
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="snapshots")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, null=True, related_name="+")
    generation = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    state = models.JSONField(null=True)
    request_ids = models.JSONField(default=list)

    class Meta:
        ordering = ("generation",)
        constraints = (
            models.UniqueConstraint(fields=["tenant", "cluster"], name="snapshot_newest"),
            models.UniqueConstraint(fields=["cluster", "generation"], name="snapshot_generation"),
        )

    def __str__(self) -> str:
        return f"{self.tenant_id} at {self.generation}"
