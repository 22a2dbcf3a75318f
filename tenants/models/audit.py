"""What happened, by whom: rows that are only ever added (a trigger and the table's owner see to it)."""

from django.db import models


class Outcome(models.TextChoices):
    DONE = "done", "Done"
    REFUSED = "refused", "Refused"


class AuditEntry(models.Model):
    """`tenant_id` is empty for what is the platform's alone. No foreign keys: an entry outlives what it speaks of.

    `act` is `<noun>.<verb>` (`member.role`, `sign_in.password`). `before` and `after` hold the fields that differ,
    secrets redacted. `previous` and `digest` chain the entries of one tenant; the database computes both, and the id,
    as it writes the row (migration 0005). The table may belong to another role (`postgres/audit_owner.sql`): what
    changes its columns is SQL for that role, beside a migration that only tells Django.
    """

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.CharField(max_length=12, blank=True)
    at = models.DateTimeField()
    actor_id = models.UUIDField(null=True)
    actor = models.CharField(max_length=254, blank=True)  # the e-mail of then, or `system`
    impersonator = models.CharField(max_length=254, blank=True)
    through = models.CharField(max_length=40, blank=True)
    address = models.GenericIPAddressField(null=True)
    act = models.CharField(max_length=40)
    kind = models.CharField(max_length=24, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.DONE)
    detail = models.CharField(max_length=500, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    previous = models.CharField(max_length=64, blank=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["tenant_id", "-id"], name="audit_by_tenant"),
            models.Index(fields=["tenant_id", "act", "-id"], name="audit_by_act"),
        )
        constraints = (models.UniqueConstraint(fields=["tenant_id", "previous"], name="audit_unforked"),)

    @property
    def etag(self) -> str:
        return self.digest[:20]

    def __str__(self) -> str:
        return f"{self.act} {self.name}"
