"""/api/oidc: a tenant's own sign-in provider (OpenID Connect)."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.models import SsoProvider
from tenants.queries import sso as sso_queries
from tenants.restkit import etags
from tenants.restkit.serializers import LineField, StrictSerializer
from tenants.restkit.viewsets import TenantView
from tenants.roles import Role, Verb
from tenants.services.sso import sso_config, sso_test
from tenants.services.sso.sso_rules import MASK, Wanted

ROLES = [role.value for role in Role]


class SsoStatusSerializer(StrictSerializer):
    configured = serializers.BooleanField()
    redirect_uri = serializers.CharField(help_text="Register it with the provider.")
    post_logout_redirect_uri = serializers.CharField()
    backchannel_logout_uri = serializers.CharField()
    sign_in_url = serializers.CharField(help_text="Where the tenant's people start.")
    people = serializers.IntegerField(help_text="Who is linked to somebody at the provider.")
    last_sign_in_at = serializers.DateTimeField(allow_null=True)
    saved_by_owner = serializers.BooleanField(help_text="Only then may it make or link owners.")
    updated_at = serializers.DateTimeField(allow_null=True)


class SsoConfigSerializer(StrictSerializer):
    enabled = serializers.BooleanField(default=False)
    issuer = serializers.CharField(max_length=300)
    client_id = LineField(max_length=255)
    client_secret = serializers.CharField(
        max_length=1000,
        allow_blank=True,
        trim_whitespace=False,
        default=MASK,
        help_text="Reads as ****; **** keeps it.",
    )
    scopes = serializers.CharField(max_length=200, default="openid email profile")
    default_role = serializers.ChoiceField([role for role in ROLES if role != Role.OWNER], default=Role.VIEWER.value)
    group_claim = LineField(max_length=80, default="groups", help_text="A claim, or a path: realm_access.roles")
    group_roles = serializers.DictField(
        child=serializers.ChoiceField(ROLES), default=dict, help_text="A group's exact name → a role."
    )
    allowed_domains = serializers.ListField(child=serializers.CharField(max_length=253), default=list, max_length=50)
    create_members = serializers.BooleanField(default=False, help_text="Let in who is no member yet.")
    link_by_email = serializers.BooleanField(default=False, help_text="Members by their verified e-mail address.")
    required = serializers.BooleanField(  # type: ignore[assignment]  # the serializer's own is set after
        default=False, help_text="Of everybody but owners."
    )
    session_hours = serializers.IntegerField(default=12, min_value=1, max_value=720)
    status = serializers.SerializerMethodField()

    @extend_schema_field(SsoStatusSerializer)
    def get_status(self, provider: SsoProvider) -> dict[str, Any]:
        seen = sso_queries.status(provider.tenant)
        return {
            "configured": not provider._state.adding,
            "redirect_uri": sso_config.redirect_uri(),
            "post_logout_redirect_uri": sso_config.signed_out_uri(),
            "backchannel_logout_uri": sso_config.backchannel_uri(provider.tenant),
            "sign_in_url": sso_config.sign_in_url(provider.tenant),
            "people": seen.people,
            "last_sign_in_at": seen.last_sign_in_at,
            "saved_by_owner": provider.saved_by_owner,
            "updated_at": provider.updated_at,
        }

    def to_representation(self, provider: SsoProvider) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(provider)
        return {**shown, "client_secret": MASK if provider.client_secret else ""}


class StepSerializer(StrictSerializer):
    name = serializers.CharField()
    ok = serializers.BooleanField(allow_null=True, help_text="null: it cannot be tried, and `detail` says why.")
    detail = serializers.CharField()
    ms = serializers.IntegerField()


class SsoTestSerializer(StrictSerializer):
    ok = serializers.BooleanField(help_text="No step failed.")
    steps = StepSerializer(many=True)


class NothingSerializer(StrictSerializer):
    pass


class SsoViewSet(TenantView):
    queryset = SsoProvider.objects.none()
    serializer_class = SsoConfigSerializer
    pagination_class = None
    filter_backends = ()
    throttle_class_names = {"save": "expensive", "test": "expensive"}  # both ask the provider
    verbs = {**TenantView.verbs, "config": Verb.SECRETS, "save": Verb.SECRETS, "test": Verb.SECRETS}

    @action(detail=False, methods=["get"], url_path="config")
    def config(self, request: Request, **_: Any) -> Response:
        """Show how people sign in by the company's own provider. The client secret is never shown."""
        return self.answer(self._provider())

    @config.mapping.put
    def save(self, request: Request, **_: Any) -> Response:
        """Replace how people sign in by the company's own provider.

        To switch it on, the provider has to answer. Another issuer or client id needs its secret entered anew. While a
        group is mapped to owner, only an owner can save.
        """
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        now = timezone.now()
        self.access.require_proof(now=now)
        etags.check(request, self._provider())
        given = form.validated_data
        domains = tuple(name.strip().lower() for name in given.pop("allowed_domains"))
        return self.answer(
            sso_config.save(self.tenant, Wanted(**given, allowed_domains=domains), by=self.actor, now=now)
        )

    @extend_schema(request=NothingSerializer, responses=SsoTestSerializer)
    @action(detail=False, methods=["post"], url_path="test")
    def test(self, request: Request, **_: Any) -> Response:
        """Try the saved provider, step by step: address, discovery, issuer, endpoints, keys, algorithms, PKCE, client,
        redirect URI. It changes nothing."""
        steps = sso_test.run(self.tenant, by=self.actor, now=timezone.now())
        return Response(SsoTestSerializer({"ok": all(step.ok is not False for step in steps), "steps": steps}).data)

    def _provider(self) -> SsoProvider:
        """What is saved; else what would be, with nothing filled in."""
        found = sso_queries.provider(self.tenant)
        if found is not None:
            return found
        return SsoProvider(tenant=self.tenant)
