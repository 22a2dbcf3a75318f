"""Which plan a tenant is on, and who it is at Stripe."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from billing.models.plan import Plan
from tenants.models import Tenant


class SubscriptionStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    TRIALING = "trialing", "Trialing"


class Subscription(models.Model):
    """The two ids are Stripe's, each of one tenant only: they are all that ties them. Without them nothing is asked."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="subscription")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    status = models.CharField(max_length=12, choices=SubscriptionStatus, default=SubscriptionStatus.ACTIVE)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    stripe_customer_id = models.CharField(
        max_length=64,
        unique=True,
        null=True,
        blank=True,
        validators=[RegexValidator(r"^cus_[A-Za-z0-9]+\Z", "A customer of Stripe's begins with cus_.")],
    )
    stripe_subscription_id = models.CharField(
        max_length=64,
        unique=True,
        null=True,
        blank=True,
        validators=[RegexValidator(r"^sub_[A-Za-z0-9]+\Z", "A subscription of Stripe's begins with sub_.")],
    )

    class Meta:
        ordering = ("tenant_id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(stripe_subscription_id=None) | Q(stripe_customer_id__isnull=False),
                name="subscription_of_a_customer",
                violation_error_message="A subscription is somebody's: name the customer too.",
            ),
        )

    def __str__(self) -> str:
        return f"{self.tenant} on {self.plan}"

    def clean(self) -> None:
        """In one sentence, where the constraint would have to speak."""
        if self.stripe_subscription_id and not self.stripe_customer_id:
            raise ValidationError({"stripe_customer_id": "A subscription is somebody's: name the customer too."})
