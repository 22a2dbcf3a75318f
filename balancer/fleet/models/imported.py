"""What became of an haproxy.cfg that somebody brought in: every line's fate, kept with who did it and when."""

from django.conf import settings
from django.db import models

from tenants.ids import new_id
from tenants.models import Tenant


class ImportReport(models.Model):
    """`lines`: number, what the line is about (no values: `haproxy.cfg.kept`), fate, sentence and objects of each.
    `edit`: the last change that it made, by its number; null where it changed nothing."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="import_reports")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    through = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()
    mode = models.CharField(max_length=8)
    partial = models.BooleanField()
    counts = models.JSONField()
    fates = models.JSONField()
    notes = models.JSONField()
    lines = models.JSONField()
    edit = models.BigIntegerField(null=True)

    class Meta:
        ordering = ("-at", "id")
        indexes = (
            models.Index(fields=["tenant", "-at"], name="import_report_by_tenant"),
            models.Index(fields=["at"], name="import_report_by_time"),
        )

    def __str__(self) -> str:
        return f"import of {self.at:%Y-%m-%d %H:%M}"

    @property
    def etag(self) -> str:
        """It never changes."""
        return f"import-{self.pk}"
