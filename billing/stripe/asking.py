"""Ask Stripe about one customer: two requests at most, each bounded in time, none repeated.

What comes back is read as `stripe.api_version` of the pinned library has it: the period is its items', the next invoice
is a preview, and nothing is told of how long Stripe took (`enable_telemetry`).
"""

from typing import Any

import stripe
from django.conf import settings

from billing.stripe.said import NextInvoice, PaymentMethod, Said

CONNECT_SECONDS, READ_SECONDS = 2.0, 4.0
OVER = frozenset({"canceled", "incomplete_expired"})
WITH_METHODS = ("invoice_settings.default_payment_method", "default_source")
stripe.enable_telemetry = False


class NotAnswered(Exception):
    """Stripe is away, is busy, or says what cannot be read."""


class KeyRefused(Exception):
    """It does not take our key, or the key may not see this."""


class NotTheirs(Exception):
    """There is no such customer or subscription, or it is somebody else's."""


def ask(tenant_id: str, customer: str, subscription: str) -> Said:
    """`subscription` may be empty. Raise `NotAnswered`, `KeyRefused` or `NotTheirs`."""
    http = stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS))
    client = stripe.StripeClient(
        settings.STRIPE_KEY,
        base_addresses={"api": settings.STRIPE_API_BASE},
        http_client=http,
        max_network_retries=0,
    )
    try:
        return _ask(client, tenant_id, customer, subscription)
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise KeyRefused from error
    except stripe.InvalidRequestError as error:
        raise NotTheirs if error.code == "resource_missing" else NotAnswered from error
    except (stripe.StripeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotAnswered from error
    finally:
        http.close()  # type: ignore[no-untyped-call]


def _ask(client: stripe.StripeClient, tenant_id: str, customer: str, subscription: str) -> Said:
    if not subscription:
        found = client.v1.customers.retrieve(customer, {"expand": list(WITH_METHODS)}).to_dict()
        _refuse_others(found, tenant_id, customer)
        return Said(payment_method=_method({}, found))
    expand = ["default_payment_method", "default_source", *(f"customer.{name}" for name in WITH_METHODS)]
    taken = client.v1.subscriptions.retrieve(subscription, {"expand": expand}).to_dict()
    _refuse_others(taken["customer"], tenant_id, customer)
    item = taken["items"]["data"][0] if taken["items"]["data"] else None
    return Said(
        status=str(taken["status"]),
        lookup_key=(item["price"].get("lookup_key") or "") if item else "",
        period_start=int(item["current_period_start"]) if item else None,
        period_end=int(item["current_period_end"]) if item else None,
        cancels=bool(taken.get("cancel_at_period_end") or taken.get("cancel_at")),
        next_invoice=None if taken["status"] in OVER else _next_invoice(client, customer, subscription),
        payment_method=_method(taken, taken["customer"]),
    )


def _refuse_others(found: dict[str, Any], tenant_id: str, customer: str) -> None:
    """Of what Stripe holds, only what says itself that it is this tenant's, or does not say."""
    named = (found.get("metadata") or {}).get("tenant", tenant_id)
    if found["id"] != customer or found.get("deleted") or named != tenant_id:
        raise NotTheirs


def _next_invoice(client: stripe.StripeClient, customer: str, subscription: str) -> NextInvoice | None:
    """None where none is to come: it ends with its period."""
    try:
        preview = client.v1.invoices.create_preview({"customer": customer, "subscription": subscription}).to_dict()
    except stripe.InvalidRequestError as error:
        if error.code == "invoice_upcoming_none":
            return None
        raise
    at = preview.get("next_payment_attempt") or preview["period_end"]
    return NextInvoice(amount=int(preview["amount_due"]), currency=str(preview["currency"]), at=int(at))


def _method(taken: dict[str, Any], customer: dict[str, Any]) -> PaymentMethod | None:
    """What Stripe itself would charge, in its order."""
    usual = (customer.get("invoice_settings") or {}).get("default_payment_method")
    first = (
        taken.get("default_payment_method") or taken.get("default_source") or usual or customer.get("default_source")
    )
    if first is None:
        return None
    kind = str(first.get("type") or first["object"])
    details = first.get(kind) or first
    return PaymentMethod(
        type=kind,
        brand=details.get("brand"),
        last4=details.get("last4"),
        exp_month=details.get("exp_month"),
        exp_year=details.get("exp_year"),
    )
