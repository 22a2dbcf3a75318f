"""Put a tenant on a plan."""

from datetime import datetime, timedelta

from billing.models import Plan, Subscription, SubscriptionStatus
from tenants.errors import InvalidField
from tenants.models import Tenant

TRIAL = timedelta(days=14)
TRIED = frozenset({"pro"})
BY_AGREEMENT = frozenset({"custom"})


def start(tenant: Tenant, *, plan: str, now: datetime) -> Subscription:
    """A new tenant's first. Raise `InvalidField` for a plan that nobody can choose by himself."""
    chosen = Plan.objects.filter(pk=plan).exclude(pk__in=BY_AGREEMENT).first()
    if chosen is None:
        codes = Plan.objects.exclude(pk__in=BY_AGREEMENT).values_list("code", flat=True)
        raise InvalidField("plan", f"There is no such plan. There is: {', '.join(codes)}.", "unknown")
    trial = chosen.pk in TRIED
    return Subscription.objects.create(
        tenant=tenant,
        plan=chosen,
        status=SubscriptionStatus.TRIALING if trial else SubscriptionStatus.ACTIVE,
        trial_ends_at=now + TRIAL if trial else None,
    )
