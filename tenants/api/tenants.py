"""/api/tenants: the tenants one belongs to; staff see all of them, with what is in each."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.errors import Forbidden
from tenants.models import Membership, Tenant, TenantStatus
from tenants.queries import stats
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.restkit.viewsets import KitViewSet
from tenants.services.tenancy import tenancy


class TenantSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    slug = serializers.CharField(required=False, max_length=40)
    name = LineField(max_length=80)
    plan = serializers.CharField(write_only=True, default="free", max_length=16)
    status = serializers.ChoiceField(TenantStatus.choices, read_only=True)
    role = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(read_only=True)
    suspended_at = serializers.DateTimeField(read_only=True)
    suspended_reason = serializers.CharField(read_only=True)
    deleted_at = serializers.DateTimeField(read_only=True)
    purge_at = serializers.DateTimeField(read_only=True)
    stats = serializers.SerializerMethodField(help_text="For staff: plan, members, pools, backends, routes, hosts.")

    def get_role(self, tenant: Tenant) -> str:
        """`staff` where one is let in by that alone."""
        roles: dict[str, str] = self.context["roles"]
        return roles.get(tenant.pk, "staff")

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": True})
    def get_stats(self, tenant: Tenant) -> dict[str, Any] | None:
        counted: dict[str, dict[str, Any]] = self.context.get("stats", {})
        return counted.get(tenant.pk)


class TenantFilter(filters.FilterSet):
    plan = filters.CharFilter(field_name="subscription__plan")

    class Meta:
        model = Tenant
        fields = ("slug", "name", "status")


class TenantsViewSet(KitViewSet):
    queryset = Tenant.objects.all()
    serializer_class = TenantSerializer
    filterset_class = TenantFilter
    search_fields = ("slug", "name", "id")
    ordering_fields = ("slug", "name", "status", "created_at")

    def get_queryset(self) -> QuerySet[Tenant]:
        everyone: QuerySet[Tenant] = Tenant.objects.all()
        if self.access.is_staff:
            return everyone
        bound = self.access.signed_in().tenant_id
        mine = Membership.objects.filter(user=self.user, suspended_at=None)
        theirs = everyone.filter(pk__in=mine.values("tenant")).exclude(
            status=TenantStatus.DELETED, pk__in=mine.exclude(role="owner").values("tenant")
        )
        return theirs.filter(pk=bound) if bound else theirs

    def get_serializer_context(self) -> dict[str, Any]:
        roles = dict(Membership.objects.filter(user=self.user).values_list("tenant_id", "role"))
        return {**super().get_serializer_context(), "roles": roles}

    def list(self, request: Request, **_: Any) -> Response:
        page = list(self.paginate_queryset(self.filter_queryset(self.get_queryset())) or [])
        context = self.get_serializer_context()
        if self.access.is_staff:
            context["stats"] = stats.of(page)
        return self.get_paginated_response(TenantSerializer(page, many=True, context=context).data)

    @extend_schema(responses={201: TenantSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Create another tenant, owned by whoever asks. A person, not a key: it would hold what its role does not."""
        if self.access.signed_in().role is not None:
            raise Forbidden("own", ["people"])
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        tenant = tenancy.create(**form.validated_data, owner=self.user, by=self.actor, now=timezone.now())
        return self.answer(tenant, status=201)
