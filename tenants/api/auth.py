"""/api/auth/…: sign up, sign in, refresh, sign out, and the links of mails. Public, so no session and no CSRF token."""

from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.restkit import access
from tenants.restkit.idempotent import IdempotentView
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.roles import Role
from tenants.services.ask import ask_for_reset
from tenants.services.people import accounts, profiles
from tenants.services.signing_in import console_sessions, passwords, sign_ins
from tenants.services.signing_in.sign_ins import From, SignedIn


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
    otp = serializers.CharField(max_length=40, allow_null=True, default=None)


class MfaSerializer(StrictSerializer):
    mfa_token = serializers.CharField(max_length=500, help_text="From the answer `otp_required` of a sign-in.")
    otp = serializers.CharField(max_length=40, help_text="The app's code, or a recovery code.")


class LinkSerializer(StrictSerializer):
    token = serializers.CharField(max_length=200, help_text="The end of the link in the mail.")


class ForgotSerializer(StrictSerializer):
    email = serializers.EmailField(max_length=254)


class ResetSerializer(LinkSerializer):
    password = serializers.CharField(max_length=1024, trim_whitespace=False, write_only=True)


class SentSerializer(StrictSerializer):
    detail = serializers.CharField()


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
    return access.source_of(request._request)


def sent(detail: str) -> Response:
    """The same for every address."""
    return Response({"detail": detail}, status=202)


class PublicView(IdempotentView):
    authentication_classes = ()
    permission_classes = (AllowAny,)


class Register(PublicView):
    throttle_class_name = "auth"

    @extend_schema(
        request=RegisterSerializer,
        responses={201: SignedInSerializer, 202: SentSerializer},
        operation_id="auth_register",
    )
    def post(self, request: Request) -> Response:
        """Sign up: a person, and a tenant that they own.

        Where addresses have to be proven the answer is 202, the same for one that has an account: the mail says more.
        """
        form = RegisterSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        now, source = timezone.now(), source_of(request)
        new = accounts.NewAccount(**form.validated_data)
        language = translation.get_language() or settings.LANGUAGE_CODE
        made = accounts.sign_up(new, language=language, source=source, now=now)
        if made is None:
            return sent("We have sent a mail to this address. Open its link, then sign in.")
        user, tenant = made
        return Response(shown(accounts.for_tenant(user, tenant.slug, source=source, now=now)), status=201)


class Login(PublicView):
    throttle_class_name = "login"

    @extend_schema(request=LoginSerializer, responses={200: SignedInSerializer}, operation_id="auth_login")
    def post(self, request: Request) -> Response:
        """Sign in for tokens.

        Who has a second factor sends its code as `otp`; without it the answer is a 401 `otp_required` with an
        `mfa_token` for `/api/auth/mfa/verify`.
        """
        form = LoginSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = form.validated_data
        signed_in = accounts.sign_in(
            asked["email"],
            asked["password"],
            tenant=asked["tenant"],
            otp=asked["otp"],
            source=source_of(request),
            now=timezone.now(),
        )
        return Response(shown(signed_in))


class MfaVerify(PublicView):
    throttle_class_name = "login"

    @extend_schema(request=MfaSerializer, responses={200: SignedInSerializer}, operation_id="auth_mfa_verify")
    def post(self, request: Request) -> Response:
        """Sign in with the second factor, after the first."""
        form = MfaSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        signed_in = accounts.sign_in_with_code(
            given["mfa_token"], given["otp"], source=source_of(request), now=timezone.now()
        )
        return Response(shown(signed_in))


class Refresh(PublicView):
    throttle_class_name = "auth"

    @extend_schema(request=RefreshSerializer, responses={200: SignedInSerializer}, operation_id="auth_refresh")
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for new tokens; each is good for one use.

        A second use ends the sign-in. Who may lose an answer sends an `Idempotency-Key`, and repeats the request.
        """
        form = RefreshSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        secret, source = form.validated_data["refresh_token"], source_of(request)
        return Response(shown(sign_ins.refresh(secret, source=source, now=timezone.now())))


class VerifyEmail(PublicView):
    throttle_class_name = "auth"

    @extend_schema(request=LinkSerializer, responses={200: SentSerializer}, operation_id="auth_verify_email")
    def post(self, request: Request) -> Response:
        """Confirm an e-mail address, by the link that was mailed to it."""
        form = LinkSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = profiles.verify(form.validated_data["token"], source=source_of(request), now=timezone.now())
        return Response({"detail": f"{user.email} is confirmed."})


class PasswordForgot(PublicView):
    throttle_class_name = "auth"

    @extend_schema(request=ForgotSerializer, responses={202: SentSerializer}, operation_id="auth_password_forgot")
    def post(self, request: Request) -> Response:
        """Ask for a link to set a new password. The answer is the same for every address."""
        form = ForgotSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        ask_for_reset(form.validated_data["email"], source=source_of(request), language=translation.get_language())
        return sent("If there is an account for this address, we have sent it a link.")


class PasswordReset(PublicView):
    throttle_class_name = "auth"

    @extend_schema(request=ResetSerializer, responses={204: None}, operation_id="auth_password_reset")
    def post(self, request: Request) -> Response:
        """Set a new password, by the link that was mailed. Every sign-in of the person ends."""
        form = ResetSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        passwords.reset(given["token"], given["password"], source=source_of(request), now=timezone.now())
        return Response(status=204)


class Logout(IdempotentView):
    permission_classes = (AllowAny,)

    @extend_schema(request=LogoutSerializer, responses={204: None}, operation_id="auth_logout")
    def post(self, request: Request) -> Response:
        """Sign out: end the chain of the refresh token, of the access token, and the console's session, as shown."""
        form = LogoutSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        now, caller = timezone.now(), access.of(request._request).caller
        if "refresh_token" in form.validated_data:
            sign_ins.end_by_secret(form.validated_data["refresh_token"], now=now)
        if caller is not None and caller.sign_in is not None:
            sign_ins.end([caller.sign_in], reason="signed_out", now=now)
        console_sessions.finish(request._request)
        return Response(status=204)
