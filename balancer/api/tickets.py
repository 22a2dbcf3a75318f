"""POST /api/ws/ticket: a key to one socket, for thirty seconds, once."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from balancer.live import passes
from balancer.queries.status_json import duration
from balancer.services import tickets
from tenants.restkit.viewsets import TenantView
from tenants.roles import Verb


class TicketSerializer(serializers.Serializer[Any]):
    ticket = serializers.CharField(read_only=True)
    expires_in = serializers.CharField(read_only=True)


class TicketViewSet(TenantView):
    """Any role may watch: nothing of the tenant's is changed."""

    verbs: ClassVar[dict[str, Verb]] = {**TenantView.verbs, "create": Verb.VIEW}
    serializer_class = TicketSerializer

    @extend_schema(request=None, responses={201: TicketSerializer})
    def create(self, request: Request, **_: Any) -> Response:
        """Issue a ticket that opens one socket, once."""
        ticket = tickets.issue(passes.as_json(passes.of_request(request._request, self.access)))
        body = {"ticket": ticket, "expires_in": duration(tickets.SECONDS)}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})
