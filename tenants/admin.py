"""What staff may look at and do: stock Django admin. No secret and no digest is shown.

What a service guards is done by the service: memberships are changed in the console, where staff have every right.
"""

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone

from tenants.admin_base import People, Rows
from tenants.admin_forms import ImpersonateForm
from tenants.admin_tenants import MembershipInline
from tenants.errors import Refused
from tenants.models import ApiKey, AuditEntry, Domain, Membership, Tenant, User
from tenants.restkit import access
from tenants.services import impersonation
from tenants.services.signing_in import sign_ins


@admin.register(User)
class UserAdmin(People):
    """People sign up or are invited; here they are looked at, blocked, and given a new password."""

    list_display = ("email", "first_name", "last_name", "is_staff", "is_active", "created_at")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("email",)
    readonly_fields = ("created_at", "last_login")
    filter_horizontal = ()
    inlines = (MembershipInline,)
    change_form_template = "staff/user_change.html"
    fieldsets = (
        (None, {"fields": ("email", "password", "first_name", "last_name", "language", "theme")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "email_verified_at")}),
        ("Dates", {"fields": ("created_at", "last_login")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<str:user_id>/impersonate/", self.admin_site.admin_view(self.impersonate), name="tenants_user_impersonate"
        )
        return [own, *super().get_urls()]

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """As when they set it themselves: every sign-in of theirs ends."""
        response = super().user_change_password(request, id, form_url)
        person = self.get_object(request, id)
        if request.method == "POST" and response.status_code == 302 and person is not None:
            sign_ins.end_all(person, reason="password_by_staff", now=timezone.now())
        return response

    def impersonate(self, request: HttpRequest, user_id: str) -> HttpResponse:
        """See what a person sees, read-only, for half an hour, with a reason."""
        person = self.get_object(request, user_id)
        caller = access.of(request).caller
        if person is None or caller is None or caller.impersonation is not None or caller.through != "session":
            raise Http404
        form = ImpersonateForm(request.POST or None, person=person)
        if request.method == "POST" and form.is_valid():
            tenant = Tenant.objects.get(pk=form.cleaned_data["tenant"])
            by, reason = access.of(request).actor(access.address_of(request)), form.cleaned_data["reason"]
            try:
                impersonation.begin(
                    request.session, caller.user, person, tenant, reason=reason, by=by, now=timezone.now()
                )
            except Refused as refused:
                form.add_error(None, refused.detail)
            else:
                return redirect("console:overview", tenant.slug)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Look as {person}",
            "question": "Read-only, for 30 minutes. Each request is written into the tenant's audit trail.",
            "form": form,
            "button": "Look",
        }
        return render(request, "staff/ask.html", context)


@admin.register(Membership)
class MembershipAdmin(Rows):
    """To look at: a change here would pass by the last owner, the seats and the audit trail."""

    list_display = ("user", "tenant", "role", "suspended_at", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "tenant")
    search_fields = ("user__email", "tenant__slug")
    ordering = ("tenant__slug", "pk")
    readonly_fields = ("tenant", "user", "role", "suspended_at", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return False


@admin.register(Domain)
class DomainAdmin(Rows):
    list_display = ("domain", "tenant", "is_primary")
    list_select_related = ("tenant",)
    search_fields = ("domain", "tenant__slug")
    raw_id_fields = ("tenant",)


@admin.register(ApiKey)
class ApiKeyAdmin(Rows):
    """To see what is used, and to revoke."""

    list_display = ("name", "tenant", "created_by", "role", "prefix", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("role",)
    list_select_related = ("tenant", "created_by")
    search_fields = ("name", "prefix", "tenant__slug")
    ordering = ("-created_at", "pk")
    exclude = ("digest",)
    readonly_fields = ("tenant", "created_by", "name", "role", "prefix", "created_at", "expires_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(AuditEntry)
class AuditEntryAdmin(Rows):
    """To be read. Nobody changes it here, and the database would not let them."""

    list_display = ("at", "tenant_id", "actor", "impersonator", "act", "name", "outcome", "address")
    list_filter = ("outcome", "at")
    search_fields = ("act", "actor", "name", "object_id", "tenant_id", "request_id")
    ordering = ("-pk",)
    exclude = ("previous", "digest")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
