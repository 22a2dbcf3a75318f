"""/api/tenants: the tenants one belongs to; staff see all of them."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.errors import Forbidden
from tenants.models import Membership, Tenant, TenantStatus
from tenants.restkit import access
from tenants.restkit.permissions import TenantRight
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.restkit.viewsets import READ, KitViewSet
from tenants.services import tenancy


class TenantSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    slug = serializers.CharField(required=False, max_length=40)
    name = LineField(max_length=80)
    plan = serializers.CharField(write_only=True, default="free", max_length=16)
    status = serializers.ChoiceField(TenantStatus.choices, read_only=True)
    role = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(read_only=True)

    def get_role(self, tenant: Tenant) -> str:
        """`staff` where one is let in by that alone."""
        roles: dict[str, str] = self.context["roles"]
        return roles.get(tenant.pk, "staff")


class TenantFilter(filters.FilterSet):
    class Meta:
        model = Tenant
        fields = ("slug", "name", "status")


class TenantsViewSet(KitViewSet):
    queryset = Tenant.objects.all()
    serializer_class = TenantSerializer
    filterset_class = TenantFilter
    search_fields = ("slug", "name")
    ordering_fields = ("slug", "name", "created_at")

    def get_queryset(self) -> QuerySet[Tenant]:
        everyone: QuerySet[Tenant] = Tenant.objects.all()
        if self.access.is_staff:
            return everyone
        bound = self.access.signed_in().tenant_id
        theirs = everyone.filter(memberships__user=self.user)
        return theirs.filter(pk=bound) if bound else theirs

    def get_serializer_context(self) -> dict[str, Any]:
        roles = dict(Membership.objects.filter(user=self.user).values_list("tenant_id", "role"))
        return {**super().get_serializer_context(), "roles": roles}

    def list(self, request: Request, **_: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def create(self, request: Request, **_: Any) -> Response:
        """Create another tenant, owned by whoever asks. A person, not a key: it would hold what its role does not."""
        if self.access.signed_in().role is not None:
            raise Forbidden("own", ["people"])
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        tenant = tenancy.create(**form.validated_data, owner=self.user, now=timezone.now())
        return self.answer(tenant, status=201)


class TenantDetail(APIView):
    permission_classes = (TenantRight,)
    verbs = READ
    action = "retrieve"

    @extend_schema(responses=TenantSerializer, operation_id="tenants_retrieve")
    def get(self, request: Request, tenant: str) -> Response:
        """Show the tenant, and what one is in it."""
        found = access.of(request._request)
        here = found.here()
        role = {here.pk: str(found.role)} if found.role else {}
        return Response(TenantSerializer(here, context={"roles": role}).data)
