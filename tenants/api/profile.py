"""/api/profile: who one is."""

import hashlib

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.api.auth import MembershipSerializer, SentSerializer, sent
from tenants.api.own import OwnView
from tenants.models import Theme, User
from tenants.queries import people
from tenants.restkit import access, etags
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.services.people import profiles
from tenants.services.signing_in import passwords

LANGUAGES = ("", "en", "pt-br")


class ProfileSerializer(StrictSerializer):
    id = serializers.CharField(read_only=True)
    email = serializers.EmailField(read_only=True)
    first_name = LineField(max_length=80, allow_blank=True, default="")
    last_name = LineField(max_length=80, allow_blank=True, default="")
    language = serializers.ChoiceField(LANGUAGES, default="")
    theme = serializers.ChoiceField(Theme.values, default=Theme.AUTO.value)
    is_staff = serializers.BooleanField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)


def person(request: Request) -> User:
    return access.of(request._request).signed_in().user


class NewPasswordSerializer(StrictSerializer):
    current_password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)
    password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)


class NewEmailSerializer(StrictSerializer):
    email = serializers.EmailField(max_length=254)


def shown(user: User) -> Response:
    """With its ETag."""
    content = ProfileSerializer(user).data
    tag = hashlib.sha256(repr(sorted(content.items())).encode()).hexdigest()[:20]
    user.etag = tag  # type: ignore[attr-defined]
    return Response(content, headers={"ETag": f'"{tag}"'})


class Profile(OwnView):
    keys_may_read = True

    @extend_schema(responses=ProfileSerializer, operation_id="profile_get")
    def get(self, request: Request) -> Response:
        """Show who one is."""
        return shown(self.person)

    @extend_schema(request=ProfileSerializer, responses=ProfileSerializer, operation_id="profile_put")
    def put(self, request: Request) -> Response:
        """Replace what one says about oneself."""
        shown(self.person)
        etags.check(request, self.person)
        form = ProfileSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return shown(profiles.change(self.person, **form.validated_data, by=self.actor, now=timezone.now()))


class ProfilePassword(OwnView):
    changes_credentials = True
    throttle_class_name = "auth"

    @extend_schema(request=NewPasswordSerializer, responses={204: None}, operation_id="profile_password")
    def post(self, request: Request) -> Response:
        """Set a new password. Every other sign-in ends."""
        form = NewPasswordSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        passwords.change(
            self.person,
            current=form.validated_data["current_password"],
            new=form.validated_data["password"],
            keep=self.caller.sign_in,
            source=access.source_of(request._request),
            by=self.actor,
            now=timezone.now(),
        )
        return Response(status=204)


class ProfileEmail(OwnView):
    changes_credentials = True
    throttle_class_name = "auth"

    @extend_schema(request=NewEmailSerializer, responses={202: SentSerializer}, operation_id="profile_email")
    def post(self, request: Request) -> Response:
        """Ask for another e-mail address. It is changed when the link is opened that is mailed there."""
        form = NewEmailSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        now = timezone.now()
        self.access.require_proof(now=now)
        profiles.ask_for_email(self.person, form.validated_data["email"], by=self.actor, now=now)
        return sent("We have sent a mail to the new address. Open its link to change to it.")


class ProfileTenants(APIView):
    @extend_schema(responses=MembershipSerializer(many=True), operation_id="profile_tenants")
    def get(self, request: Request) -> Response:
        """List the tenants that one belongs to, all of them: nobody has more than fits a page."""
        rows = [
            {"id": m.tenant.pk, "slug": m.tenant.slug, "name": m.tenant.name, "role": m.role}
            for m in people.memberships(person(request).pk, only=access.of(request._request).signed_in().tenant_id)
        ]
        whole = {"items": rows, "total_count": len(rows), "page": 1, "page_size": max(len(rows), 50)}
        return Response({**whole, "has_more": False, "next": None})
