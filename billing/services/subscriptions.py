"""Put a tenant on a plan."""

from datetime import datetime, timedelta

from django.db import transaction

from billing.models import Plan, Subscription, SubscriptionStatus
from billing.services import stripe_accounts
from tenants.actor import Actor
from tenants.after_commit import after_commit
from tenants.errors import InvalidField
from tenants.models import Tenant
from tenants.services.tenancy import steps, tenancy
from tenants.services.trail import audit

TRIAL = timedelta(days=14)
# What a tenant may begin with by itself: what costs nothing, and what is tried. The others are paid before they count.
FREE = "free"
TRIED = frozenset({"pro"})


def start(tenant: Tenant, *, plan: str, now: datetime) -> Subscription:
    """A new tenant's first. Raise `InvalidField` for a plan that nobody gets by choosing it."""
    if plan != FREE and plan not in TRIED:
        sentence = f"Begin with {FREE}, or with {TRIAL.days} days of {', '.join(sorted(TRIED))}; change the plan later."
        raise InvalidField("plan", sentence, "not_to_begin_with")
    trial = plan in TRIED
    return Subscription.objects.create(
        tenant=tenant,
        plan_id=plan,
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
    after_commit(lambda: stripe_accounts.forget(held.pk))
    audit.record("tenant.plan", by=by, now=now, tenant=held, thing=held, before=before, after=after)
    return subscription


@transaction.atomic
def link(tenant: Tenant, *, customer: str | None, subscription: str | None, by: Actor, now: datetime) -> Subscription:
    """Say who the tenant is at Stripe. What was known of another is not shown any more."""
    held = tenancy.hold(tenant.pk)
    row = Subscription.objects.get(tenant=held)
    names = ("stripe_customer_id", "stripe_subscription_id")
    before = {name: getattr(row, name) for name in names}
    after = dict(zip(names, (customer or None, subscription or None), strict=True))
    if before == after:
        return row
    row.stripe_customer_id, row.stripe_subscription_id = after["stripe_customer_id"], after["stripe_subscription_id"]
    row.full_clean()
    row.save(update_fields=names)
    after_commit(lambda: stripe_accounts.forget(held.pk))
    audit.record("tenant.stripe", by=by, now=now, tenant=held, thing=held, before=before, after=after)
    return row


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
