"""Billing: the plan, what is used of it, and what comes next. For owners and the billing role."""

from decimal import Decimal

from django.http import HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billing.services import accounts
from billing.services.stripe_accounts import State
from tenants.console import menu
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.menu import Item
from tenants.console.page import page
from tenants.roles import Verb

menu.add([Item("billing:account", pgettext_lazy("menu", "Billing"), "receipt", Verb.BILLING)])
METERS: dict[str, Promise] = {
    "members": gettext_lazy("Members"),
    "routes": gettext_lazy("Routes"),
    "backends": gettext_lazy("Backends"),
    "listeners": gettext_lazy("Listeners"),
    "caches": gettext_lazy("Caches of routes"),
    "pools": gettext_lazy("Pools"),
    "domains": gettext_lazy("Domains"),
    "requests": gettext_lazy("Requests"),
    "traffic": gettext_lazy("Traffic"),
}
STATUSES: dict[str, Promise] = {
    "active": pgettext_lazy("of a subscription", "active"),
    "trialing": pgettext_lazy("of a subscription", "trial"),
    "past_due": pgettext_lazy("of a subscription", "past due"),
    "unpaid": pgettext_lazy("of a subscription", "unpaid"),
    "canceled": pgettext_lazy("of a subscription", "canceled"),
    "incomplete": pgettext_lazy("of a subscription", "incomplete"),
    "incomplete_expired": pgettext_lazy("of a subscription", "expired before it was paid"),
    "paused": pgettext_lazy("of a subscription", "paused"),
}
STATES: dict[State, Promise] = {
    State.OFF: gettext_lazy("Billing is off here: no key of Stripe's is set, and nobody is charged."),
    State.NOT_LINKED: gettext_lazy("This tenant is not at Stripe yet, and is not charged."),
    State.DOWN: gettext_lazy("Stripe does not answer. Your traffic and your plan go on as they are."),
    State.REFUSED: gettext_lazy("Stripe does not take this service's key. Its operators have to look."),
    State.MISMATCH: gettext_lazy("Stripe's record does not fit this tenant, so it is not shown. Ask support."),
}


@never_cache
@require_safe
@tenant_page(Verb.BILLING)
def index(request: TenantRequest) -> HttpResponse:
    found = accounts.of(request.tenant, now=timezone.now())
    said = found.heard.said
    context = {
        "account": found,
        "said": said,
        "price": money(found.plan.monthly_cents, accounts.CURRENCY),
        "status": STATUSES.get(found.status, found.status),
        "state": STATES.get(found.heard.state, ""),
        "meters": [{"it": one, "label": METERS.get(one.name, one.name)} for one in found.meters],
        "invoice": money(said.next_invoice.amount, said.next_invoice.currency) if said and said.next_invoice else "",
        "differs": found.paid_plan not in ("", found.plan.code),
    }
    return page(request, "billing/account.html", context)


# Stripe's minor units: hundredths, but for these.
# https://docs.stripe.com/currencies#zero-decimal, #three-decimal
WHOLE = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)
THOUSANDTHS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))


def money(amount: int, currency: str) -> str:
    """`29.99 USD`: exact, and in no country's own way of writing."""
    places = 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2
    return f"{Decimal(amount).scaleb(-places):.{places}f} {currency.upper()}"
