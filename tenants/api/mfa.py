"""/api/profile/mfa: one's second factor. Passkeys are added in a browser (the console's security page)."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.own import OwnView
from tenants.models import Passkey
from tenants.restkit.serializers import StrictSerializer
from tenants.services.signing_in import passkeys, second_factor


class PasskeySerializer(StrictSerializer):
    id = serializers.CharField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class FactorsSerializer(StrictSerializer):
    totp = serializers.BooleanField()
    recovery_codes_left = serializers.IntegerField()
    passkeys = PasskeySerializer(many=True)


class EnrolmentSerializer(StrictSerializer):
    secret = serializers.CharField(help_text="For an app that cannot scan. Shown this once.")
    uri = serializers.CharField(help_text="`otpauth://…`, for the QR code.")


class CodeSerializer(StrictSerializer):
    otp = serializers.CharField(max_length=40)


class CodesSerializer(StrictSerializer):
    recovery_codes = serializers.ListField(child=serializers.CharField(), help_text="Shown this once.")


class Mfa(OwnView):
    changes_credentials = True

    @extend_schema(responses=FactorsSerializer, operation_id="profile_mfa_get")
    def get(self, request: Request) -> Response:
        """Show which second factors one has."""
        has = second_factor.factors(self.person)
        rows = Passkey.objects.filter(user=self.person)
        return Response(
            {
                "totp": has.totp,
                "recovery_codes_left": has.recovery_codes,
                "passkeys": PasskeySerializer(rows, many=True).data,
            }
        )

    @extend_schema(request=None, responses={201: EnrolmentSerializer}, operation_id="profile_mfa_post")
    def post(self, request: Request) -> Response:
        """Set up an authenticator app. It counts when `/api/profile/mfa/verify` has had a code of it."""
        now = timezone.now()
        self.access.require_proof(now=now)
        begun = second_factor.begin_totp(self.person, by=self.actor, now=now)
        return Response({"secret": begun.secret, "uri": begun.uri}, status=201)

    @extend_schema(request=None, responses={204: None}, operation_id="profile_mfa_delete")
    def delete(self, request: Request) -> Response:
        """Remove the authenticator app; with the last factor the recovery codes go too."""
        now = timezone.now()
        self.access.require_proof(now=now)
        second_factor.remove_totp(self.person, by=self.actor, now=now)
        return Response(status=204)


class MfaConfirm(OwnView):
    changes_credentials = True
    throttle_class_name = "auth"

    @extend_schema(request=CodeSerializer, responses={200: CodesSerializer}, operation_id="profile_mfa_verify")
    def post(self, request: Request) -> Response:
        """Confirm the authenticator app that is being set up, and get the recovery codes."""
        form = CodeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        now = timezone.now()
        self.access.require_proof(now=now)
        codes = second_factor.confirm_totp(
            self.person, form.validated_data["otp"], sign_in=self.caller.sign_in, by=self.actor, now=now
        )
        return Response({"recovery_codes": codes})


class RecoveryCodes(OwnView):
    changes_credentials = True

    @extend_schema(request=None, responses={200: CodesSerializer}, operation_id="profile_mfa_codes")
    def post(self, request: Request) -> Response:
        """Make ten new recovery codes; those before are good no more."""
        now = timezone.now()
        self.access.require_proof(now=now)
        return Response({"recovery_codes": second_factor.renew_codes(self.person, by=self.actor, now=now)})


class PasskeyDetail(OwnView):
    changes_credentials = True

    @extend_schema(request=None, responses={204: None}, operation_id="profile_passkey_delete")
    def delete(self, request: Request, pk: str, **_: Any) -> Response:
        """Remove a passkey."""
        now = timezone.now()
        self.access.require_proof(now=now)
        passkeys.remove(self.person, pk, by=self.actor, now=now)
        return Response(status=204)
