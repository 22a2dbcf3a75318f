"""What staff may look at and correct by hand: stock Django admin. No secret and no digest is shown."""

from django.contrib import admin
from django.http import HttpRequest

from tenants.admin_base import Inline, People, Rows
from tenants.models import ApiKey, AuditEntry, Domain, Membership, Tenant, User
from tenants.queries import directory


class MembershipInline(Inline):
    model = Membership
    extra = 0
    raw_id_fields = ("tenant", "user")


@admin.register(User)
class UserAdmin(People):
    """People sign up or are invited; here they are looked at, blocked, and given a new password."""

    list_display = ("email", "first_name", "last_name", "is_staff", "is_active", "created_at")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("email",)
    readonly_fields = ("created_at", "last_login")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "password", "first_name", "last_name", "language", "theme")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "email_verified_at")}),
        ("Dates", {"fields": ("created_at", "last_login")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Tenant)
class TenantAdmin(Rows):
    """Its status is not changed here: a suspension must reach the nodes, and what does that is not built yet."""

    list_display = ("slug", "name", "status", "id", "created_at")
    list_filter = ("status",)
    search_fields = ("slug", "name", "id")
    ordering = ("slug",)
    readonly_fields = ("id", "schema_name", "status", "created_at")
    inlines = (MembershipInline,)

    def save_model(self, request: HttpRequest, obj: Tenant, form: object, change: bool) -> None:
        super().save_model(request, obj, form, change)
        directory.forget()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A tenant needs a schema and a plan: the API and sign-up make it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Tenant | None = None) -> bool:
        return False


@admin.register(Membership)
class MembershipAdmin(Rows):
    list_display = ("user", "tenant", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "tenant")
    search_fields = ("user__email", "tenant__slug")
    ordering = ("tenant__slug", "pk")
    raw_id_fields = ("tenant", "user")


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
