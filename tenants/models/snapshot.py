"""How a tenant's schema is made without running migrations."""

from django.db import models


class SchemaSnapshot(models.Model):
    """The SQL that the migrations of one state of the code amount to (`services.schemas.provision`)."""

    fingerprint = models.CharField(primary_key=True, max_length=64)
    sql = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.fingerprint[:12]
