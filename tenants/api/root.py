"""/api: where to start."""

from django.conf import settings
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.auth import PublicView

SHAPE = inline_serializer(
    "Root",
    {"name": serializers.CharField(), "version": serializers.CharField(), "links": serializers.DictField()},
)
LINKS = {
    "schema": "/api/schema",
    "docs": "/api/docs",
    "redoc": "/api/redoc",
    "login": "/api/auth/login",
    "register": "/api/auth/register",
    "tenants": "/api/tenants",
}


class Root(PublicView):
    @extend_schema(responses=SHAPE, operation_id="root")
    def get(self, request: Request) -> Response:
        """Show the service's name and version, and where to start."""
        links = {name: request.build_absolute_uri(path) for name, path in LINKS.items()}
        return Response({"name": "VeloFlux", "version": settings.VERSION, "links": links})
