"""Host and path → pool."""

from django.db import models

from balancer.models.pools import Pool
from tenants.ids import new_id


class Route(models.Model):
    """`host` is lower case, exact or `*.rest`; the longest `path_prefix`, by segment, wins."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    host = models.CharField(max_length=255)
    path_prefix = models.CharField(max_length=500, default="/")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="routes")
    enabled = models.BooleanField(default=True)
    description = models.CharField(max_length=500, blank=True)
    tags = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("host", "path_prefix", "id")
        constraints = (models.UniqueConstraint(fields=["host", "path_prefix"], name="route_host_and_path_once"),)

    def __str__(self) -> str:
        return f"{self.host}{self.path_prefix}"

    @property
    def key(self) -> str:
        return f"r{self.id}"
