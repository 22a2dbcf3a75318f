"""The one table of plans (`product.md`), seeded by a migration."""

from django.db import models


class Waf(models.TextChoices):
    BASIC = "basic", "Basic"
    STANDARD = "standard", "Standard"
    STRICT = "strict", "Strict"


class Plan(models.Model):
    """Money in US cents; traffic in bytes; a null limit is by agreement, per tenant."""

    code = models.CharField(primary_key=True, max_length=16)
    name = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField(unique=True)
    monthly_cents = models.PositiveIntegerField()
    requests_per_second = models.PositiveIntegerField(null=True)
    burst = models.PositiveIntegerField(null=True)
    daily_traffic = models.PositiveBigIntegerField(null=True)
    routes = models.PositiveIntegerField(null=True)
    backends = models.PositiveIntegerField(null=True)
    listeners = models.PositiveIntegerField(null=True, blank=True)
    caches = models.PositiveIntegerField(null=True, blank=True)
    members = models.PositiveIntegerField(null=True)
    waf = models.CharField(max_length=12, choices=Waf)
    included_requests = models.PositiveBigIntegerField(null=True)
    included_traffic = models.PositiveBigIntegerField(null=True)
    dedicated = models.BooleanField(default=False)
    retention_days = models.PositiveIntegerField()

    class Meta:
        ordering = ("position",)

    def __str__(self) -> str:
        return self.name
