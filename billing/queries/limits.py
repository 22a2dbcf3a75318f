"""What a tenant may have and do: the one module of billing that other apps ask."""

from dataclasses import dataclass

from django.db.models import QuerySet

from billing.models import Plan, Subscription

OF_PLAN = (
    "routes", "backends", "members", "requests_per_second", "burst", "daily_traffic", "retention_days", "waf",
    "dedicated", "listeners", "caches",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """`None` is without limit. `requests_per_second` is enforced by HAProxy, the counts by the services."""

    plan: str
    routes: int | None
    backends: int | None
    members: int | None
    requests_per_second: int | None
    burst: int | None
    daily_traffic: int | None
    retention_days: int
    waf: str
    dedicated: bool
    listeners: int | None
    caches: int | None


def of(tenant_id: str) -> Limits:
    """One query. A tenant always has a subscription: it is made with it."""
    plan = Subscription.objects.select_related("plan").get(tenant_id=tenant_id).plan
    return Limits(plan.code, **{name: getattr(plan, name) for name in OF_PLAN})


def seats(tenant_id: str) -> int | None:
    """How many people a tenant may have (`settings.TENANT_SEATS`)."""
    return of(tenant_id).members


def plans_of(tenant_ids: list[str]) -> dict[str, str]:
    """Tenant's id → code of its plan, in one query."""
    return dict(Subscription.objects.filter(tenant__in=tenant_ids).values_list("tenant_id", "plan_id"))


def retention_of(tenant_ids: list[str]) -> dict[str, int]:
    """Tenant's id → the days that its plan keeps what happened, in one query."""
    return dict(Subscription.objects.filter(tenant__in=tenant_ids).values_list("tenant_id", "plan__retention_days"))


def tenants_by_retention() -> "dict[int, QuerySet[Subscription, str]]":
    """Days that plans keep what happened → the ids of the tenants on them, to be asked within another query."""
    days = Plan.objects.order_by("retention_days").values_list("retention_days", flat=True).distinct()
    return {one: Subscription.objects.filter(plan__retention_days=one).values_list("tenant", flat=True) for one in days}
