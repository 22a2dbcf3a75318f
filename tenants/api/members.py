"""/api/users: who belongs to a tenant; and /api/users/leave."""

from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.invitations import InvitationSerializer, NewInvitationSerializer, language
from tenants.errors import NotFound
from tenants.models import Membership
from tenants.restkit import etags
from tenants.restkit.serializers import StrictSerializer
from tenants.restkit.viewsets import TenantView, TenantViewSet
from tenants.roles import Role, Verb
from tenants.services.people import invitations
from tenants.services.tenancy import members, tenancy

STATUSES = ("active", "suspended")
MANAGE = dict.fromkeys(("create", "update", "partial_update", "destroy"), Verb.MEMBERS)


class MemberSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    user = serializers.CharField(source="user_id", read_only=True, help_text="The person's own id.")
    email = serializers.EmailField(source="user.email", read_only=True)
    first_name = serializers.CharField(source="user.first_name", read_only=True)
    last_name = serializers.CharField(source="user.last_name", read_only=True)
    role = serializers.ChoiceField([role.value for role in Role])
    status = serializers.ChoiceField(STATUSES, default="active")
    created_at = serializers.DateTimeField(read_only=True)

    def to_representation(self, instance: Membership) -> dict[str, Any]:
        instance.status = STATUSES[instance.suspended_at is not None]  # type: ignore[attr-defined]
        return super().to_representation(instance)


class MemberFilter(filters.FilterSet):
    email = filters.CharFilter(field_name="user__email")
    status = filters.ChoiceFilter(choices=[(one, one) for one in STATUSES], method="of_status")

    class Meta:
        model = Membership
        fields = ("role",)

    def of_status(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(suspended_at__isnull=value == "active")


class MemberViewSet(TenantViewSet):
    """The members of a tenant."""

    queryset = Membership.objects.select_related("user")
    serializer_class = MemberSerializer
    filterset_class = MemberFilter
    search_fields = ("user__email", "user__first_name", "user__last_name")
    ordering_fields = ("role", "created_at")
    verbs: ClassVar[dict[str, Verb]] = {**TenantView.verbs, **MANAGE, "leave": Verb.VIEW}

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(tenant=self.tenant)

    @extend_schema(request=NewInvitationSerializer, responses={201: InvitationSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Invite a person by mail: the same as POST /api/invitations."""
        form = NewInvitationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        new, now = form.validated_data, timezone.now()
        if new["role"] == Role.OWNER:
            self.access.require_proof(now=now)
        made = invitations.invite(
            self.tenant,
            email=new["email"],
            role=Role(new["role"]),
            language=language(),
            by=self.actor,
            now=now,
        )
        headers = {"ETag": str(etags.etag_of(made))}
        return Response(InvitationSerializer(made).data, status=201, headers=headers)

    def update(self, request: Request, *, partial: bool = False, **_: Any) -> Response:
        """Change a member's role or status. A suspended one keeps the place and may not use it."""
        form = self.get_serializer(data=request.data, partial=partial)
        form.is_valid(raise_exception=True)
        now = timezone.now()
        wanted = {name: form.validated_data[name] for name in ("role", "status") if name in form.validated_data}
        if wanted.get("role") == Role.OWNER and self.get_object().role != Role.OWNER:
            self.access.require_proof(now=now)
        with transaction.atomic():
            tenancy.hold(self.tenant.pk)
            member = self.get_object()
            if wanted.get("status") == "active":
                member = members.resume(member, by=self.actor, now=now)
            if "role" in wanted:
                member = members.change_role(member, Role(wanted["role"]), by=self.actor, now=now)
            if wanted.get("status") == "suspended":
                member = members.suspend(member, by=self.actor, now=now)
        return self.answer(member)

    def partial_update(self, request: Request, **parts: Any) -> Response:
        """Change a member's role or status; what is left out stays."""
        return self.update(request, partial=True, **parts)

    def destroy(self, request: Request, **_: Any) -> Response:
        """Remove a member: signed out of the tenant, keys revoked, open sockets closed within five seconds."""
        members.remove(self.get_object(), by=self.actor, now=timezone.now())
        return Response(status=204)

    @extend_schema(request=None, responses={204: None})
    @action(detail=False, methods=["post"])
    def leave(self, request: Request, **_: Any) -> Response:
        """Leave the tenant oneself: a person, not a key, which may only look. Its last owner cannot."""
        self.access.require_person()
        mine = Membership.objects.filter(tenant=self.tenant, user=self.user).first()
        if mine is None:
            raise NotFound
        members.remove(mine, by=self.actor, now=timezone.now())
        return Response(status=204)
