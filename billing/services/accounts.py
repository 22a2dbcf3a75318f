"""A tenant's billing at a glance: its plan, what it uses of it, and what Stripe will ask for next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from billing.models import Plan, Subscription
from billing.services import stripe_accounts
from billing.services.stripe_accounts import Heard, Link
from tenants.models import Tenant

# Counted against the plan's own column of the same name; the others have no limit.
LIMITED = frozenset({"members", "routes", "backends", "listeners", "caches"})
# Included in a plan, and not measured yet: shown without a number.
NOT_MEASURED = {"requests": "included_requests", "traffic": "included_traffic"}
CURRENCY = "usd"  # of `product.md`'s table; Stripe's own is Stripe's


class Used(Protocol):
    """`settings.TENANT_USED`: name → how many of it the tenant has. In its scope."""

    def __call__(self, tenant: Tenant, *, now: datetime) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True)
class Meter:
    """`used` None: not measured. `limit` None: without one, or by agreement."""

    name: str
    used: int | None
    limit: int | None


@dataclass(frozen=True, slots=True)
class Account:
    """`status` is Stripe's word where it said one, else ours."""

    plan: Plan
    status: str
    trial_ends_at: datetime | None
    meters: tuple[Meter, ...]
    heard: Heard

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        said = self.heard.said
        if said is None or said.period_start is None or said.period_end is None:
            return None
        return moment(said.period_start), moment(said.period_end)

    @property
    def next_invoice_at(self) -> datetime | None:
        said = self.heard.said
        return moment(said.next_invoice.at) if said and said.next_invoice else None

    @property
    def paid_plan(self) -> str:
        """The plan that Stripe is paid for, by its price's lookup key (`veloflux_<plan>_<monthly|yearly>`); "" where it
        says none."""
        parts = self.heard.said.lookup_key.split("_") if self.heard.said else []
        return parts[1] if len(parts) == 3 and parts[0] == "veloflux" else ""


def of(tenant: Tenant, *, now: datetime) -> Account:
    """In the tenant's scope, outside of a transaction. All rows are read before Stripe is asked."""
    held = Subscription.objects.select_related("plan").get(tenant=tenant)
    used = cast(Used, import_string(settings.TENANT_USED))(tenant, now=now)
    link = Link(tenant.pk, held.stripe_customer_id or "", held.stripe_subscription_id or "")
    heard = stripe_accounts.hear(link, now=now)
    status = heard.said.status if heard.said is not None and heard.said.status else held.status
    return Account(held.plan, status, held.trial_ends_at, _meters(held.plan, used), heard)


def _meters(plan: Plan, used: Mapping[str, int]) -> tuple[Meter, ...]:
    counted = (Meter(name, n, getattr(plan, name) if name in LIMITED else None) for name, n in used.items())
    return *counted, *(Meter(name, None, getattr(plan, column)) for name, column in NOT_MEASURED.items())


def moment(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
