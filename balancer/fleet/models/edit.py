"""One thing someone changed: audit trail and outbox in one."""

from django.conf import settings
from django.db import models

from tenants.models import Tenant


class Act(models.TextChoices):
    CREATE = "create", "Created"
    UPDATE = "update", "Changed"
    DELETE = "delete", "Deleted"
    DRAIN = "drain", "Draining"
    READY = "ready", "Ready"
    MAINTAIN = "maintain", "In maintenance"
    WEIGHT = "weight", "Weight"
    RETRY = "retry", "Retried"
    PURGE = "purge", "Purged"


class Edit(models.Model):
    """Written in the transaction of the change itself. Without a revision it is still to be cut; `staged`: not before
    somebody deploys it.

    `before` and `after` hold the fields that differ.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="edits")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="edits")
    through = models.CharField(max_length=40, blank=True)
    act = models.CharField(max_length=12, choices=Act)
    kind = models.CharField(max_length=20)
    object_id = models.CharField(max_length=12)
    name = models.CharField(max_length=200)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField()
    staged = models.BooleanField(default=False, db_default=False)
    revision = models.ForeignKey("fleet.Revision", on_delete=models.SET_NULL, null=True, related_name="edits")

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["tenant", "-id"], name="edit_by_tenant"),
            models.Index(fields=["tenant"], condition=models.Q(revision=None), name="edit_uncut"),
            models.Index(fields=["at"], name="edit_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.get_act_display()} {self.kind} {self.name}"

    @property
    def etag(self) -> str:
        """What becomes of it changes; what it says does not."""
        return f"{self.pk}-{self.revision_id or ('staged' if self.staged else 'due')}"
