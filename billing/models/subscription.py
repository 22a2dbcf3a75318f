"""Which plan a tenant is on. Stripe's side of it comes with billing's own issue."""

from django.db import models

from billing.models.plan import Plan
from tenants.models import Tenant


class SubscriptionStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    TRIALING = "trialing", "Trialing"


class Subscription(models.Model):
    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="subscription")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    status = models.CharField(max_length=12, choices=SubscriptionStatus, default=SubscriptionStatus.ACTIVE)
    trial_ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("tenant_id",)

    def __str__(self) -> str:
        return f"{self.tenant} on {self.plan}"
