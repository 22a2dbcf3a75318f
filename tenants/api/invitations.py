"""/api/invitations: places that are offered by mail, and taking one."""

from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone, translation
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.errors import Forbidden
from tenants.models import Invitation
from tenants.restkit import access
from tenants.restkit.idempotent import IdempotentView
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.restkit.viewsets import TenantView, TenantViewSet
from tenants.roles import Role, Verb
from tenants.services.people import invitations
from tenants.services.people.invitations import NewPerson

ACTIONS = ("list", "retrieve", "metadata", "create", "destroy", "resend")


def status_of(invitation: Invitation, now: datetime) -> str:
    if invitation.accepted_at:
        return "accepted"
    if invitation.revoked_at:
        return "revoked"
    return "open" if invitation.expires_at > now else "expired"


class NewInvitationSerializer(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField([role.value for role in Role], default=Role.VIEWER.value)


class InvitationSerializer(NewInvitationSerializer):
    id = serializers.CharField(read_only=True)
    status = serializers.SerializerMethodField()
    invited_by = serializers.CharField(source="invited_by.email", read_only=True, default=None)
    created_at = serializers.DateTimeField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)
    accepted_at = serializers.DateTimeField(read_only=True)

    def get_status(self, invitation: Invitation) -> str:
        return status_of(invitation, timezone.now())


class InvitationFilter(filters.FilterSet):
    status = filters.ChoiceFilter(
        choices=[(one, one) for one in ("open", "expired", "accepted", "revoked")], method="of_status"
    )

    class Meta:
        model = Invitation
        fields = ("email", "role")

    def of_status(self, rows: Any, name: str, value: str) -> Any:
        waiting = rows.filter(accepted_at=None, revoked_at=None)
        return {
            "accepted": rows.exclude(accepted_at=None),
            "revoked": rows.exclude(revoked_at=None),
            "open": waiting.filter(expires_at__gt=timezone.now()),
            "expired": waiting.filter(expires_at__lte=timezone.now()),
        }[value]


class InvitationViewSet(TenantViewSet):
    """Places in a tenant that are offered by mail."""

    queryset = Invitation.objects.select_related("invited_by")
    serializer_class = InvitationSerializer
    filterset_class = InvitationFilter
    search_fields = ("email",)
    ordering_fields = ("email", "created_at", "expires_at")
    throttle_class_names: ClassVar[dict[str, str]] = {"resend": "expensive"}  # each is a mail to somebody
    verbs: ClassVar[dict[str, Verb]] = {**TenantView.verbs, **dict.fromkeys(ACTIONS, Verb.MEMBERS)}

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(tenant=self.tenant)

    @extend_schema(request=NewInvitationSerializer, responses={201: InvitationSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Invite a person by mail. The link is good once, for seven days."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        new, now = form.validated_data, timezone.now()
        if new["role"] == Role.OWNER:
            self.access.require_proof(now=now)
        made = invitations.invite(
            self.tenant, email=new["email"], role=Role(new["role"]), language=language(), by=self.actor, now=now
        )
        return self.answer(made, status=201)

    def destroy(self, request: Request, **_: Any) -> Response:
        """Withdraw an invitation: its link is good no more."""
        invitations.revoke(self.get_object(), by=self.actor, now=timezone.now())
        return Response(status=204)

    @extend_schema(request=None, responses={200: InvitationSerializer})
    @action(detail=True, methods=["post"])
    def resend(self, request: Request, **_: Any) -> Response:
        """Send it again, with a new link for another seven days; the old link is good no more."""
        sent = invitations.resend(self.get_object(), language=language(), by=self.actor, now=timezone.now())
        return self.answer(sent)


class AcceptSerializer(StrictSerializer):
    token = serializers.CharField(max_length=100, help_text="What stands behind /invite/ in the mail's link.")
    password = serializers.CharField(
        max_length=1024, trim_whitespace=False, required=False, help_text="Of a new account; not of one that is there."
    )
    first_name = LineField(max_length=80, allow_blank=True, default="")
    last_name = LineField(max_length=80, allow_blank=True, default="")


class AcceptedSerializer(StrictSerializer):
    tenant = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField()


class AcceptInvitation(IdempotentView):
    throttle_class_name = "auth"
    permission_classes = (AllowAny,)

    @extend_schema(request=AcceptSerializer, responses={200: AcceptedSerializer}, operation_id="invitations_accept")
    def post(self, request: Request) -> Response:
        """Take a place: as whoever is signed in, or, with a password, as a new person."""
        form = AcceptSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given, found = form.validated_data, access.of(request._request)
        if found.caller is not None and found.caller.role is not None:
            raise Forbidden("own", ["people"])  # a key speaks for its maker in one tenant only
        who = found.caller.user if found.caller else None
        new = NewPerson(given["password"], given["first_name"], given["last_name"]) if "password" in given else None
        member = invitations.accept(
            given["token"],
            who=who or new,
            through=found.caller.through if found.caller else "invitation",
            address=access.address_of(request._request),
            now=timezone.now(),
        )
        tenant = member.tenant
        return Response({"tenant": tenant.pk, "slug": tenant.slug, "name": tenant.name, "role": member.role})


def language() -> str:
    return translation.get_language() or "en"
