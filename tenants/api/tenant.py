"""/api/tenants/{tenant}: one tenant, renamed, deleted and restored by its owners, suspended by staff."""

from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.tenants import TenantSerializer
from tenants.errors import Conflict, Forbidden
from tenants.models import Tenant
from tenants.restkit import etags
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.restkit.viewsets import READ, TenantView
from tenants.roles import Verb
from tenants.services.tenancy import tenancy, tenant_life


class RenameSerializer(StrictSerializer):
    """What was read may be sent back: the rest is read-only."""

    name = LineField(max_length=80)
    slug = serializers.CharField(max_length=40)


READ_ONLY = (
    "id",
    "status",
    "role",
    "created_at",
    "suspended_at",
    "suspended_reason",
    "deleted_at",
    "purge_at",
    "stats",
)


class DeleteSerializer(StrictSerializer):
    confirm = serializers.CharField(max_length=40, help_text="The tenant's slug, so that it is the one you mean.")


class SuspendSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=tenant_life.REASON_MOST, help_text="The tenant's people read it.")


class TenantDetail(TenantView):
    queryset = Tenant.objects.all()
    serializer_class = TenantSerializer
    pagination_class = None
    filter_backends = ()
    verbs: ClassVar[dict[str, Verb]] = {
        **READ,
        **dict.fromkeys(("update", "destroy", "restore"), Verb.OWN),
        **dict.fromkeys(("suspend", "activate"), Verb.VIEW),  # and staff, who may see every tenant
    }
    even_closed = frozenset({"destroy", "restore"})

    def get_serializer_context(self) -> dict[str, Any]:
        role = self.access.role
        return {**super().get_serializer_context(), "roles": {self.tenant.pk: str(role)} if role else {}}

    def retrieve(self, request: Request, **_: Any) -> Response:
        """Show the tenant, and what one is in it."""
        return self.answer(Tenant.objects.get(pk=self.tenant.pk))

    @extend_schema(request=RenameSerializer)
    def update(self, request: Request, **_: Any) -> Response:
        """Rename it. Links with its former slug go on working for a year, and nobody else gets that."""
        data = {name: value for name, value in dict(request.data).items() if name not in READ_ONLY}
        form = RenameSerializer(data=data)
        form.is_valid(raise_exception=True)
        with transaction.atomic():
            etags.check(request, tenancy.hold(self.tenant.pk))
            renamed = tenancy.rename(self.tenant, **form.validated_data, by=self.actor, now=timezone.now())
        return self.answer(renamed)

    @extend_schema(request=DeleteSerializer, responses=TenantSerializer)
    def destroy(self, request: Request, **_: Any) -> Response:
        """Delete it: its traffic stops now, it can be restored for 30 days, and is then purged."""
        form = DeleteSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        now = timezone.now()
        self.access.require_proof(now=now)
        if form.validated_data["confirm"] != self.tenant.slug:
            raise Conflict("This is not the tenant's slug. Nothing was deleted.", "not_confirmed", "/confirm")
        with transaction.atomic():
            etags.check(request, tenancy.hold(self.tenant.pk))
            deleted = tenant_life.delete(self.tenant, by=self.actor, now=now)
        return self.answer(deleted)

    @extend_schema(request=None, responses=TenantSerializer)
    def restore(self, request: Request, **_: Any) -> Response:
        """Take a deletion back, while its 30 days last."""
        return self.answer(tenant_life.restore(self.tenant, by=self.actor, now=timezone.now()))

    @extend_schema(request=SuspendSerializer, responses=TenantSerializer)
    def suspend(self, request: Request, **_: Any) -> Response:
        """For staff: its traffic answers 503, nothing in it can be changed."""
        self._staff_only()
        form = SuspendSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        reason = form.validated_data["reason"]
        return self.answer(tenant_life.suspend(self.tenant, reason=reason, by=self.actor, now=timezone.now()))

    @extend_schema(request=None, responses=TenantSerializer)
    def activate(self, request: Request, **_: Any) -> Response:
        """For staff: end a suspension."""
        self._staff_only()
        return self.answer(tenant_life.activate(self.tenant, by=self.actor, now=timezone.now()))

    def _staff_only(self) -> None:
        if not self.access.is_staff:
            raise Forbidden("staff", ["staff"])
