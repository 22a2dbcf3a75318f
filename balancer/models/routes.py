"""Which requests → a pool, or what else is done with them."""

from typing import Any

from django.db import models

from balancer.models.pools import Pool
from tenants.ids import new_id


def to_its_pool() -> dict[str, Any]:
    return {"type": "pool"}


class Route(models.Model):
    """`host` is lower case, exact or `*.rest`; the longest `path_prefix`, by segment, wins among those of one priority.

    The columns of JSON hold what the API says, in the one spelling of `haproxy.route_columns`. A weighted action names
    its pools in it: who deletes a pool looks there too, under the tenant's lock.
    """

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    host = models.CharField(max_length=255)
    path_prefix = models.CharField(max_length=500, default="/")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="routes", null=True, blank=True)
    path_match = models.CharField(max_length=10, default="prefix")
    priority = models.IntegerField(default=0)
    conditions = models.JSONField(default=list, blank=True)
    action = models.JSONField(default=to_its_pool)
    rewrite = models.JSONField(default=dict, blank=True)
    request_headers = models.JSONField(default=list, blank=True)
    response_headers = models.JSONField(default=list, blank=True)
    cors = models.JSONField(null=True, blank=True)
    timeout_ms = models.PositiveIntegerField(null=True, blank=True)
    max_body = models.PositiveBigIntegerField(null=True, blank=True)
    compression = models.BooleanField(default=False)
    maintenance = models.JSONField(null=True, blank=True)
    cache = models.JSONField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    description = models.CharField(max_length=500, blank=True)
    tags = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering = ("host", "path_prefix", "id")
        constraints = (
            # With conditions there may be several, in their order.
            models.UniqueConstraint(
                fields=["host", "path_prefix", "path_match"],
                condition=models.Q(conditions=[]),
                name="route_host_and_path_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.host}{self.path_prefix}"

    @property
    def key(self) -> str:
        return f"r{self.id}"
