"""Put a tenant on a plan."""

from datetime import datetime, timedelta

from django.db import transaction

from billing.models import Plan, Subscription, SubscriptionStatus
from tenants.actor import Actor
from tenants.errors import InvalidField
from tenants.models import Tenant
from tenants.services import audit, steps, tenancy

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


@transaction.atomic
def change(tenant: Tenant, *, plan: str, by: Actor, now: datetime) -> Subscription:
    """To another plan, at once: what nodes allow follows by itself, and no count that is over its limit stops anything.

    A trial ends with it.
    """
    held = tenancy.hold(tenant.pk)
    chosen = Plan.objects.filter(pk=plan).first()
    if chosen is None:
        raise InvalidField("plan", f"There is no such plan. There is: {', '.join(codes())}.", "unknown")
    subscription = Subscription.objects.get(tenant=held)
    before, after = {"plan": subscription.plan_id}, {"plan": chosen.pk}
    if before == after:
        return subscription
    subscription.plan, subscription.status, subscription.trial_ends_at = chosen, SubscriptionStatus.ACTIVE, None
    subscription.save()
    steps.changed(held, by=by, now=now, before=before, after=after)
    audit.record("tenant.plan", by=by, now=now, tenant=held, thing=held, before=before, after=after)
    return subscription


@transaction.atomic
def limits_changed(plan: Plan, *, by: Actor, now: datetime, before: dict[str, int | None]) -> int:
    """A plan's own limits are others now: every tenant on it is told. Answers how many."""
    after = {name: getattr(plan, name) for name in before}
    told = [one.tenant for one in Subscription.objects.filter(plan=plan).select_related("tenant").order_by("pk")]
    for tenant in told:
        steps.changed(tenant, by=by, now=now, before=before, after=after)
    audit.record("plan.limits", by=by, now=now, thing=plan, before=before, after=after)
    return len(told)


def codes() -> list[str]:
    return list(Plan.objects.values_list("code", flat=True))
