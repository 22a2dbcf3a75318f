"""Tenants, for staff: what is in each, and what is done to several at once."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from tenants.admin_base import Inline, Rows
from tenants.admin_forms import ReasonForm
from tenants.errors import Refused
from tenants.models import Membership, Tenant
from tenants.queries import stats
from tenants.restkit import access, export
from tenants.restkit.export import Format
from tenants.services.tenancy import tenancy, tenant_life

COUNTS = ("members", "pools", "backends", "routes", "hosts")
CSV = ("id", "slug", "name", "status", "plan", *COUNTS, "created_at")
AT_ONCE = 100


class MembershipInline(Inline):
    """To look at."""

    model = Membership
    extra = 0
    fields = ("tenant", "user", "role", "suspended_at", "created_at")
    readonly_fields = fields
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Tenant)
class TenantAdmin(Rows):
    """Suspended and activated by actions, which reach the nodes; billing adds the one that moves to another plan."""

    list_display = ("slug", "name", "status", "plan", *COUNTS, "created_at")
    list_filter = ("status", "subscription__plan")
    search_fields = ("slug", "name", "id", "memberships__user__email")
    ordering = ("slug",)
    fields = (
        "name",
        "slug",
        "id",
        "status",
        "suspended_reason",
        "suspended_at",
        "deleted_at",
        "purge_at",
        "created_at",
    )
    readonly_fields = fields[2:]
    inlines = (MembershipInline,)
    actions: Sequence[str | Callable[..., Any]] = ("suspend", "activate", "restore", "as_csv")

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The page's tenants with what is in each: two queries for all of them."""
        found = super().get_changelist_instance(request)
        found.result_list = counted(list(found.result_list))
        return found

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        """The form has looked at both; two who want one slug at once are a matter of the service."""
        by = access.of(request).actor(access.address_of(request))
        try:
            tenancy.rename(obj, name=obj.name, slug=obj.slug, by=by, now=timezone.now())
        except Refused as refused:
            messages.set_level(request, messages.ERROR)
            messages.error(request, refused.detail)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A tenant needs a schema and a plan: the API and sign-up make it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        return False

    @admin.action(description="Suspend, with a reason")
    def suspend(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> HttpResponse | None:
        form = ReasonForm(request.POST if "apply" in request.POST else None)
        if not form.is_valid():
            question = "Their sites will answer 503 within seconds, and nothing in them can be changed."
            return self.ask(request, chosen, form, action="suspend", title="Suspend", question=question)
        reason = form.cleaned_data["reason"]
        self.each(
            request, chosen, "suspended", lambda one, by, now: tenant_life.suspend(one, reason=reason, by=by, now=now)
        )
        return None

    @admin.action(description="Activate")
    def activate(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        self.each(request, chosen, "activated", lambda one, by, now: tenant_life.activate(one, by=by, now=now))

    @admin.action(description="Restore a deleted one")
    def restore(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> None:
        self.each(request, chosen, "restored", lambda one, by, now: tenant_life.restore(one, by=by, now=now))

    @admin.action(description="Download as CSV")
    def as_csv(self, request: HttpRequest, chosen: QuerySet[Tenant]) -> StreamingHttpResponse:
        ordered = list(chosen.order_by("slug"))
        batches = ([row(one) for one in counted(ordered[at : at + AT_ONCE])] for at in range(0, len(ordered), AT_ONCE))
        return export.answer(request, batches, columns=CSV, kind=Format.CSV, name="tenants")

    def ask(
        self, request: HttpRequest, chosen: QuerySet[Tenant], form: Form, *, action: str, title: str, question: str
    ) -> HttpResponse:
        """A page that names whom it concerns; its button sends the same act with `apply`."""
        hidden = [("action", action), *((helpers.ACTION_CHECKBOX_NAME, one.pk) for one in chosen)]
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "question": question,
            "things": chosen,
            "hidden": hidden,
            "form": form,
            "button": title,
        }
        return render(request, "staff/ask.html", context)

    def each(self, request: HttpRequest, chosen: QuerySet[Tenant], word: str, act: Any) -> None:
        """One's refusal does not hold up the others."""
        by, done = access.of(request).actor(access.address_of(request)), 0
        for tenant in chosen:
            try:
                act(tenant, by, timezone.now())
                done += 1
            except Refused as refused:
                self.message_user(request, f"{tenant.slug}: {refused.detail}", messages.ERROR)
        if done:
            self.message_user(request, f"{done} {word}.", messages.SUCCESS)

    def plan(self, tenant: Any) -> str:
        return str(tenant.counts["plan"])

    def members(self, tenant: Any) -> int:
        return int(tenant.counts["members"])

    def pools(self, tenant: Any) -> int:
        return int(tenant.counts["pools"])

    def backends(self, tenant: Any) -> int:
        return int(tenant.counts["backends"])

    def routes(self, tenant: Any) -> int:
        return int(tenant.counts["routes"])

    def hosts(self, tenant: Any) -> int:
        return int(tenant.counts["hosts"])


def counted(tenants: list[Any]) -> list[Any]:
    found = stats.of(tenants)
    for tenant in tenants:
        tenant.counts = found[tenant.pk]
    return tenants


def row(tenant: Any) -> dict[str, Any]:
    own = {name: getattr(tenant, name) for name in ("id", "slug", "name", "status", "created_at")}
    return {**own, **tenant.counts}
