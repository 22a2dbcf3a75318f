"""Plans and subscriptions, for staff."""

from django.contrib import admin
from django.http import HttpRequest

from billing.models import Plan, Subscription
from tenants.admin_base import Rows


@admin.register(Plan)
class PlanAdmin(Rows):
    list_display = ("code", "name", "monthly_cents", "routes", "backends", "members", "requests_per_second")
    ordering = ("position",)

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        return False


@admin.register(Subscription)
class SubscriptionAdmin(Rows):
    """Only to look at: a change of plan must reach the nodes' limits, and what does that is not built yet."""

    list_display = ("tenant", "plan", "status", "trial_ends_at")
    list_filter = ("plan", "status")
    list_select_related = ("tenant", "plan")
    search_fields = ("tenant__slug",)
    readonly_fields = ("tenant", "plan", "status", "trial_ends_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
