"""/api/rate-limit: what each client may ask; /api/security-headers: what each answer says."""

from abc import abstractmethod
from dataclasses import asdict
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.changes import ChangeView
from balancer.haproxy.protection import (
    STATUSES,
    ContentTypeOptions,
    FrameOptions,
    Hsts,
    PermissionsPolicy,
    ReferrerPolicy,
)
from balancer.models import RateLimit, SecurityHeaders
from balancer.queries import protection as queries
from balancer.services import edits, protection
from balancer.services.edits import Changed
from billing.queries import limits
from tenants.restkit import etags
from tenants.restkit.serializers import StrictSerializer
from tenants.roles import Verb


def network() -> serializers.CharField:
    return serializers.CharField(max_length=100)


class PerAddressSerializer(StrictSerializer):
    requests_per_second = serializers.IntegerField(
        default=None,
        allow_null=True,
        min_value=1,
        max_value=protection.MOST_RPS,
        help_text="On average, of one client address (IPv6: of one /64), on each node; null: no limit.",
    )
    burst = serializers.IntegerField(
        default=None, allow_null=True, min_value=1, help_text="How many at once; null: a second's worth."
    )
    status = serializers.ChoiceField(STATUSES, default=429, help_text="What is answered beyond it.")


class EffectiveSerializer(serializers.Serializer[Any]):
    requests_per_second = serializers.IntegerField(allow_null=True)
    burst = serializers.IntegerField(allow_null=True)


class CountedSerializer(serializers.Serializer[Any]):
    per = serializers.ChoiceField(["node"])
    nodes = serializers.IntegerField()


class RateLimitSerializer(StrictSerializer):
    per_address = PerAddressSerializer(source="*", required=False)
    allowed_networks = serializers.ListField(
        child=network(), default=list, help_text="IPv4 and IPv6 networks that the limit does not touch; 50 at most."
    )
    trusted_proxies = serializers.ListField(
        child=network(),
        default=list,
        help_text="Connections from these networks name the client in X-Forwarded-For: its right-most address that "
        "is not in them. From anywhere else the header means nothing. 50 at most.",
    )
    effective = serializers.SerializerMethodField(help_text="What holds: what is set, within what the plan allows.")
    counted = serializers.SerializerMethodField(
        help_text="Each node counts by itself: an address that reaches several may ask as often on each."
    )
    updated_at = serializers.DateTimeField(read_only=True, allow_null=True)

    @extend_schema_field(EffectiveSerializer)
    def get_effective(self, row: RateLimit) -> dict[str, Any]:
        return asdict(queries.effective(row, limits.of(self.context["view"].tenant.pk)))

    @extend_schema_field(CountedSerializer)
    def get_counted(self, row: RateLimit) -> dict[str, Any]:
        return queries.counted(self.context["view"].tenant)


class SecurityHeadersSerializer(StrictSerializer):
    hsts = serializers.ChoiceField([c.value for c in Hsts], default="off")
    content_type_options = serializers.ChoiceField([c.value for c in ContentTypeOptions], default="off")
    frame_options = serializers.ChoiceField([c.value for c in FrameOptions], default="off")
    referrer_policy = serializers.ChoiceField([c.value for c in ReferrerPolicy], default="off")
    permissions_policy = serializers.ChoiceField([c.value for c in PermissionsPolicy], default="off")
    updated_at = serializers.DateTimeField(read_only=True, allow_null=True)


class OneOfTenant(ChangeView):
    """What there is one of: shown and replaced."""

    verbs: ClassVar[dict[str, Verb]] = {"show": Verb.VIEW, "replace": Verb.EDIT, "metadata": Verb.VIEW}

    @abstractmethod
    def current(self) -> Any: ...

    @abstractmethod
    def act_replace(self, values: dict[str, Any]) -> Changed[Any]: ...

    def show(self, request: Request, **_: Any) -> Response:
        """Show what is set."""
        return self.answer(self.current())

    def replace(self, request: Request, **_: Any) -> Response:
        """Set all of it; what is left out goes back to its default. Nodes take it at run time, without a reload."""
        values = self.form(request.data)
        with transaction.atomic():
            edits.hold_tenant()
            etags.check(request, self.current())
            done = self.act_replace(values)
        return self.changed(done)


class RateLimitViewSet(OneOfTenant):
    """How often one client address may ask."""

    queryset = RateLimit.objects.all()
    serializer_class = RateLimitSerializer

    def current(self) -> RateLimit:
        return queries.rate_limit()

    def act_replace(self, values: dict[str, Any]) -> Changed[RateLimit]:
        return protection.limit_clients(protection.ClientLimits(**values), by=self.actor, now=self.now)


class SecurityHeadersViewSet(OneOfTenant):
    """Headers that browsers look for, on every answer; an origin's own of the same name is replaced."""

    queryset = SecurityHeaders.objects.all()
    serializer_class = SecurityHeadersSerializer

    def current(self) -> SecurityHeaders:
        return queries.security_headers()

    def act_replace(self, values: dict[str, Any]) -> Changed[SecurityHeaders]:
        return protection.dress_answers(protection.Headers(**values), by=self.actor, now=self.now)
