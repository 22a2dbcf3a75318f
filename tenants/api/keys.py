"""/api/keys: what scripts show. A person sees his own; who manages members sees the tenant's."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.models import ApiKey
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.restkit.viewsets import TenantViewSet
from tenants.roles import Role, Verb
from tenants.services import keys


class KeySerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    name = LineField(max_length=80)
    role = serializers.ChoiceField([role.value for role in Role], default=Role.VIEWER.value)
    scopes = serializers.ListField(
        child=serializers.ChoiceField([verb.value for verb in Verb]),
        default=list,
        max_length=len(Verb),
        help_text="Verbs, at most the role's. None: all that the role allows.",
    )
    expires_at = serializers.DateTimeField(allow_null=True, default=None)
    prefix = serializers.CharField(read_only=True)
    created_by = serializers.CharField(source="created_by.email", read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    last_used_at = serializers.DateTimeField(read_only=True, help_text="To the minute.")
    last_used_from = serializers.IPAddressField(read_only=True, allow_null=True)
    revoked_at = serializers.DateTimeField(read_only=True)


class NewKeySerializer(KeySerializer):
    key = serializers.CharField(read_only=True, help_text="The whole key, shown this once.")


# A key of these could let others in, or read what is secret.
DANGEROUS = frozenset({Role.OWNER, Role.ADMIN})


class KeyFilter(filters.FilterSet):
    class Meta:
        model = ApiKey
        fields = ("name", "role", "prefix")


class KeyViewSet(TenantViewSet):
    queryset = ApiKey.objects.select_related("created_by")
    serializer_class = KeySerializer
    filterset_class = KeyFilter
    search_fields = ("name", "prefix")
    ordering_fields = ("name", "role", "created_at", "expires_at", "last_used_at")

    def get_queryset(self) -> QuerySet[ApiKey]:
        keys_here = super().get_queryset().filter(tenant=self.tenant)
        return keys_here if self.access.may(Verb.MEMBERS) else keys_here.filter(created_by=self.user)

    @extend_schema(responses={201: NewKeySerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Make a key. The answer holds it whole, this once."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        new = form.validated_data
        if Role(new["role"]) in DANGEROUS:
            self.access.require_proof(now=timezone.now())
        key, whole = keys.create(
            self.tenant,
            name=new["name"],
            role=Role(new["role"]),
            expires_at=new["expires_at"],
            scopes=[Verb(scope) for scope in new["scopes"]],
            holds=self.access.rights,
            by=self.actor,
            now=timezone.now(),
        )
        return self.answer(key, status=201, key=whole)

    def destroy(self, request: Request, **_: Any) -> Response:
        """Revoke a key: it is refused from now on."""
        keys.revoke(self.get_object(), by=self.actor, now=timezone.now())
        return Response(status=204)
