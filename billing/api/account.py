"""/api/billing: plan, status, use, next invoice and payment method."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import Subscription
from billing.services import accounts
from billing.services.accounts import Account
from billing.services.stripe_accounts import State
from tenants.models import Tenant
from tenants.restkit.viewsets import TenantView
from tenants.roles import Verb


class PriceSerializer(serializers.Serializer[Any]):
    amount = serializers.IntegerField(help_text="In the currency's minor units, a month.")
    currency = serializers.CharField()


class PlanSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    price = PriceSerializer()


class PeriodSerializer(serializers.Serializer[Any]):
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    cancels = serializers.BooleanField(help_text="Whether the subscription is to be canceled.")


class MeterSerializer(serializers.Serializer[Any]):
    used = serializers.IntegerField(allow_null=True, help_text="null: not measured.")
    limit = serializers.IntegerField(allow_null=True, help_text="null: without one, or by agreement.")


class NextInvoiceSerializer(serializers.Serializer[Any]):
    amount = serializers.IntegerField(help_text="What will be due, in the currency's minor units.")
    currency = serializers.CharField()
    date = serializers.DateTimeField()


class PaymentMethodSerializer(serializers.Serializer[Any]):
    type = serializers.CharField(help_text="As Stripe names it: card, sepa_debit, …")
    brand = serializers.CharField(allow_null=True)
    last4 = serializers.CharField(allow_null=True)
    exp_month = serializers.IntegerField(allow_null=True)
    exp_year = serializers.IntegerField(allow_null=True)


class StripeSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        [state.value for state in State],
        help_text="off: nobody is billed here. not_linked: this tenant has no customer at Stripe. answered. down, "
        "refused: what is shown is the last known, of `as_of`. mismatch: nothing is shown.",
    )
    as_of = serializers.DateTimeField(allow_null=True, help_text="When Stripe said what is shown.")
    age = serializers.IntegerField(allow_null=True, help_text="Seconds since then.")
    plan = serializers.CharField(allow_null=True, help_text="The plan that is paid for there.")


class BillingSerializer(serializers.Serializer[Any]):
    tenant = serializers.CharField()
    plan = PlanSerializer()
    status = serializers.CharField(help_text="Stripe's word, where it said one: active, trialing, past_due, …")
    trial_ends_at = serializers.DateTimeField(allow_null=True)
    period = PeriodSerializer(allow_null=True)
    usage = serializers.DictField(child=MeterSerializer())
    next_invoice = NextInvoiceSerializer(allow_null=True)
    payment_method = PaymentMethodSerializer(allow_null=True)
    stripe = StripeSerializer()


class BillingViewSet(TenantView):
    """What the tenant pays for."""

    queryset = Subscription.objects.all()
    serializer_class = BillingSerializer
    pagination_class = None
    filter_backends = ()
    verbs: ClassVar[dict[str, Verb]] = dict.fromkeys(("show", "metadata"), Verb.BILLING)

    @extend_schema(responses=BillingSerializer)
    def show(self, request: Request, **_: Any) -> Response:
        """Show plan, status, use against the plan's limits, next invoice and payment method, as Stripe has them. Stripe
        is asked once a minute at most; `stripe.as_of` says when."""
        now = timezone.now()
        found = accounts.of(self.tenant, now=now)
        return Response(BillingSerializer(shown(self.tenant, found, now=now)).data)


def shown(tenant: Tenant, found: Account, *, now: datetime) -> dict[str, Any]:
    said = found.heard.said
    price = {"amount": found.plan.monthly_cents, "currency": accounts.CURRENCY}
    invoice = said.next_invoice if said else None
    return {
        "tenant": tenant.pk,
        "plan": {"code": found.plan.code, "name": found.plan.name, "price": price},
        "status": found.status,
        "trial_ends_at": found.trial_ends_at,
        "period": _period(found),
        "usage": {meter.name: {"used": meter.used, "limit": meter.limit} for meter in found.meters},
        "next_invoice": {**asdict(invoice), "date": found.next_invoice_at} if invoice else None,
        "payment_method": asdict(said.payment_method) if said and said.payment_method else None,
        "stripe": _stripe(found, now=now),
    }


def _period(found: Account) -> dict[str, Any] | None:
    if found.period is None or found.heard.said is None:
        return None
    start, end = found.period
    return {"start": start, "end": end, "cancels": found.heard.said.cancels}


def _stripe(found: Account, *, now: datetime) -> dict[str, Any]:
    as_of = found.heard.as_of
    age = int((now - as_of).total_seconds()) if as_of else None
    return {"state": found.heard.state, "as_of": as_of, "age": age, "plan": found.paid_plan or None}
