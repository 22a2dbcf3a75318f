"""/api/tenants/{tenant}/config: limits, use, features, settings; and …/export: all of it, to take along."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.queries import tenant_config
from balancer.services import exports
from tenants.models import Tenant
from tenants.restkit import etags
from tenants.restkit.serializers import StrictSerializer
from tenants.restkit.viewsets import READ, TenantView
from tenants.roles import Verb
from tenants.services.tenancy import policies


class SettingsSerializer(StrictSerializer):
    second_factor_from = serializers.DateTimeField(
        allow_null=True, default=None, help_text="From then on every member needs a second factor; null: nobody does."
    )


class ConfigSerializer(StrictSerializer):
    tenant = serializers.CharField(read_only=True)
    plan = serializers.CharField(read_only=True)
    limits = serializers.DictField(child=serializers.IntegerField(allow_null=True), read_only=True)
    used = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    features = serializers.DictField(read_only=True)
    traffic = serializers.DictField(
        read_only=True, help_text="The limits of each client address and the headers of answers, as they hold."
    )
    settings = SettingsSerializer()


class ConfigViewSet(TenantView):
    queryset = Tenant.objects.all()
    serializer_class = ConfigSerializer
    pagination_class = None
    filter_backends = ()
    verbs: ClassVar[dict[str, Verb]] = {**READ, "update": Verb.OWN, "export": Verb.OWN}
    even_closed = frozenset({"export"})

    def retrieve(self, request: Request, **_: Any) -> Response:
        """Show what the plan allows, what is used of it, and what is set."""
        return self._shown(Tenant.objects.get(pk=self.tenant.pk))

    def update(self, request: Request, **_: Any) -> Response:
        """Set what can be set; the rest may be sent back and is left alone."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        etags.check(request, Tenant.objects.get(pk=self.tenant.pk))
        since = form.validated_data["settings"]["second_factor_from"]
        return self._shown(policies.require_second_factor(self.tenant, since=since, by=self.actor, now=timezone.now()))

    @extend_schema(responses={200: {"type": "object", "additionalProperties": True}})
    def export(self, request: Request, **_: Any) -> Response:
        """Take the tenant's configuration along: pools, backends, routes, domains and members, without secrets."""
        name = f'attachment; filename="{self.tenant.slug}.json"'
        document = exports.take(self.tenant, by=self.actor, now=timezone.now())
        return Response(document, headers={"Content-Disposition": name})

    def _shown(self, tenant: Tenant) -> Response:
        content = ConfigSerializer(tenant_config.of(tenant, now=timezone.now())).data
        return Response(content, headers={"ETag": str(etags.etag_of(tenant))})
