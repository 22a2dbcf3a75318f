"""Why a request gets what it gets: the answer of the tester beside what the nodes' maps hold for its host."""

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.api.route_test import RouteTestedSerializer, RouteTestSerializer
from balancer.api.status import OwnOrFleet
from balancer.queries import route_test
from tenants.errors import NotFound
from tenants.restkit.viewsets import TenantView
from tenants.roles import Verb
from tenants.scope import tenant_scope


class DebugAskedSerializer(RouteTestSerializer):
    """As in a query: one value each, and so no headers."""

    headers = None  # type: ignore[assignment]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {**attrs, "headers": {}}


class DebugRoutesSerializer(RouteTestedSerializer):
    tenant = serializers.CharField()
    maps = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField()),
        help_text="By map: the entries that this host is looked up in, as the nodes shall have them.",
    )


class DebugRoutesViewSet(TenantView):
    """For a tenant's admins, and for staff, who without a tenant are answered for the one whose host it is."""

    permission_classes: ClassVar[tuple[type[BasePermission], ...]] = (OwnOrFleet,)  # type: ignore[assignment,misc]
    serializer_class = DebugRoutesSerializer
    pagination_class = None
    filter_backends = ()
    verbs: ClassVar[dict[str, Verb]] = {**TenantView.verbs, "list": Verb.SECRETS}

    @extend_schema(parameters=[DebugAskedSerializer], responses=DebugRoutesSerializer)
    def list(self, request: Request, **_: Any) -> Response:
        """Say which route a request would get and why, with the map entries that its host is looked up in."""
        sent = DebugAskedSerializer(data=request.query_params.dict())
        sent.is_valid(raise_exception=True)
        asked = sent.asked()
        tenant = self.access.tenant or route_test.owner_of(asked.host)
        if tenant is None:
            raise NotFound("No tenant has this host.")
        with tenant_scope(tenant):
            told = route_test.ask(tenant, asked, now=timezone.now())
            content = RouteTestedSerializer(told).data
            return Response({"tenant": tenant.pk, **content, "maps": route_test.maps(tenant, asked)})
