"""/api/auth/…: sign up, sign in, refresh, sign out. Public, so no session and no CSRF token either."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.restkit.access import address_of
from tenants.restkit.idempotent import IdempotentView
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.roles import Role
from tenants.services import accounts, console_sessions, sign_ins
from tenants.services.sign_ins import From, SignedIn


class RegisterSerializer(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)
    first_name = LineField(max_length=80, allow_blank=True, default="")
    last_name = LineField(max_length=80, allow_blank=True, default="")
    tenant_name = LineField(max_length=80)
    plan = serializers.CharField(max_length=16, default="free")


class LoginSerializer(StrictSerializer):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)
    tenant = serializers.CharField(max_length=40, allow_null=True, default=None)
    otp = serializers.CharField(max_length=16, allow_null=True, default=None)

    def validate_otp(self, value: str | None) -> None:
        if value is not None:
            raise serializers.ValidationError("There are no second factors yet: leave this out.", "unsupported")


class RefreshSerializer(StrictSerializer):
    refresh_token = serializers.CharField(max_length=200)


class LogoutSerializer(StrictSerializer):
    refresh_token = serializers.CharField(max_length=200, required=False)


class PersonSerializer(StrictSerializer):
    id = serializers.CharField()
    email = serializers.EmailField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()


class MembershipSerializer(StrictSerializer):
    id = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()
    role = serializers.ChoiceField([*(role.value for role in Role), "staff"])


class SignedInSerializer(StrictSerializer):
    token = serializers.CharField()
    refresh_token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    user = PersonSerializer()
    tenant = MembershipSerializer(allow_null=True)


def shown(signed_in: SignedIn) -> dict[str, Any]:
    user, tenant, membership = signed_in.user, signed_in.tenant, signed_in.membership
    role = membership.role if membership else "staff"
    return {
        "token": signed_in.token,
        "refresh_token": signed_in.refresh_token,
        "expires_at": serializers.DateTimeField().to_representation(signed_in.expires_at),
        "user": {"id": str(user.pk), "email": user.email, "first_name": user.first_name, "last_name": user.last_name},
        "tenant": {"id": tenant.pk, "slug": tenant.slug, "name": tenant.name, "role": role} if tenant else None,
    }


def source_of(request: Request) -> From:
    return From(address_of(request._request), request.headers.get("User-Agent", ""))


class PublicView(IdempotentView):
    authentication_classes = ()
    permission_classes = (AllowAny,)


class Register(PublicView):
    @extend_schema(request=RegisterSerializer, responses={201: SignedInSerializer}, operation_id="auth_register")
    def post(self, request: Request) -> Response:
        """Sign up: a person, and a tenant that they own."""
        form = RegisterSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        now = timezone.now()
        user, tenant = accounts.register(accounts.NewAccount(**form.validated_data), now=now)
        return Response(shown(accounts.for_tenant(user, tenant.slug, source=source_of(request), now=now)), status=201)


class Login(PublicView):
    @extend_schema(request=LoginSerializer, responses={200: SignedInSerializer}, operation_id="auth_login")
    def post(self, request: Request) -> Response:
        """Sign in for tokens."""
        form = LoginSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        signed_in = accounts.sign_in(
            asked["email"],
            asked["password"],
            tenant=asked["tenant"],
            source=source_of(request),
            now=timezone.now(),
        )
        return Response(shown(signed_in))


class Refresh(PublicView):
    @extend_schema(request=RefreshSerializer, responses={200: SignedInSerializer}, operation_id="auth_refresh")
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for new tokens; each is good for one use."""
        form = RefreshSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(shown(sign_ins.refresh(form.validated_data["refresh_token"], now=timezone.now())))


class Logout(IdempotentView):
    permission_classes = (AllowAny,)

    @extend_schema(request=LogoutSerializer, responses={204: None}, operation_id="auth_logout")
    def post(self, request: Request) -> Response:
        """Sign out: end the chain of a refresh token, and the console's session, whichever is shown."""
        form = LogoutSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if "refresh_token" in form.validated_data:
            sign_ins.end_by_secret(form.validated_data["refresh_token"], now=timezone.now())
        console_sessions.finish(request._request)
        return Response(status=204)
