"""Plans and subscriptions, for staff. What is changed here reaches the nodes by itself."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from billing.models import Plan, Subscription
from billing.services import subscriptions
from tenants.admin_base import Rows
from tenants.admin_tenants import TenantAdmin
from tenants.models import Tenant
from tenants.restkit import access

LIMITS = frozenset(
    {"requests_per_second", "burst", "daily_traffic", "routes", "backends", "listeners", "caches", "members"}
)


@admin.register(Plan)
class PlanAdmin(Rows):
    list_display = (
        "code",
        "name",
        "monthly_cents",
        "routes",
        "backends",
        "listeners",
        "members",
        "requests_per_second",
    )
    ordering = ("position",)

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        before = {name: form.initial[name] for name in form.changed_data if name in LIMITS}
        super().save_model(request, obj, form, change)
        if before:
            by = access.of(request).actor(access.address_of(request))
            subscriptions.limits_changed(obj, by=by, now=timezone.now(), before=before)

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        return False


@admin.register(Subscription)
class SubscriptionAdmin(Rows):
    """Another plan counts at once, and ends a trial. Who the tenant is at Stripe is said by its two ids."""

    list_display = ("tenant", "plan", "status", "trial_ends_at")
    list_filter = ("plan", "status")
    list_select_related = ("tenant", "plan")
    search_fields = ("tenant__slug", "stripe_customer_id", "stripe_subscription_id")
    readonly_fields = ("tenant", "status", "trial_ends_at")

    def save_model(self, request: HttpRequest, obj: Subscription, form: Any, change: bool) -> None:
        by = access.of(request).actor(access.address_of(request))
        subscriptions.change(obj.tenant, plan=obj.plan_id, by=by, now=timezone.now())
        ids = {"customer": obj.stripe_customer_id, "subscription": obj.stripe_subscription_id}
        subscriptions.link(obj.tenant, **ids, by=by, now=timezone.now())

    def has_delete_permission(self, request: HttpRequest, obj: Subscription | None = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class PlanForm(forms.Form):
    plan = forms.ModelChoiceField(queryset=Plan.objects.order_by("position"), empty_label=None)


@admin.action(description="Move to another plan")
def move_to_plan(tenants: TenantAdmin, request: HttpRequest, chosen: QuerySet[Tenant]) -> HttpResponse | None:
    form = PlanForm(request.POST if "apply" in request.POST else None)
    if not form.is_valid():
        question = (
            "The plan's limits count at once, and a trial ends. What is beyond them goes on, and nothing is added."
        )
        return tenants.ask(
            request, chosen, form, action="move_to_plan", title="Move to another plan", question=question
        )
    plan = form.cleaned_data["plan"].pk
    tenants.each(
        request, chosen, f"moved to {plan}", lambda one, by, now: subscriptions.change(one, plan=plan, by=by, now=now)
    )
    return None


TenantAdmin.actions = (*TenantAdmin.actions, move_to_plan)
