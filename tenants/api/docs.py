"""The API's documentation: the OpenAPI document, and Swagger UI and ReDoc from our own static files, under the
strict CSP."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views import View
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.response import Response


@cache
def document(language: str | None) -> Any:
    """The same for everyone, and made from the code: once for each process and language (it takes a second)."""
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]
    return generator.get_schema(request=None, public=True)


class Document(SpectacularAPIView):
    """OpenAPI 3.1, as YAML or JSON by `Accept` or `?format=`."""

    def _get_schema_response(self, request: Request) -> Response:
        kind = self.perform_content_negotiation(request, force=True)[0].format
        return Response(
            document(get_language()), headers={"Content-Disposition": f'inline; filename="veloflux.{kind}"'}
        )


class Swagger(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "restkit/swagger.html")


class Redoc(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "restkit/redoc.html")
