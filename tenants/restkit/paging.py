"""Pages: `items`, and where one is among them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from tenants.errors import InvalidField

if TYPE_CHECKING:  # DRF reads its settings, and through them this module, while it is itself being imported
    from rest_framework.views import APIView

MOST = 500
LAST_PAGE = 1_000_000


class Pages(BasePagination):
    """Two queries: the count, and the page. A page beyond the end is empty."""

    page_size = 50

    def paginate_queryset(
        self, queryset: QuerySet[Any, Any] | Sequence[Any], request: Request, view: "APIView | None" = None
    ) -> list[Any]:
        self.request = request
        self.page = number(request, "page", default=1, most=LAST_PAGE)
        self.size = number(request, "page_size", default=self.page_size, most=MOST)
        self.total = queryset.count() if isinstance(queryset, QuerySet) else len(queryset)
        start = (self.page - 1) * self.size
        return list(queryset[start : start + self.size])

    def get_paginated_response(self, data: Any) -> Response:
        more = self.page * self.size < self.total
        here = self.request.build_absolute_uri()
        return Response(
            {
                "items": data,
                "total_count": self.total,
                "page": self.page,
                "page_size": self.size,
                "has_more": more,
                "next": replace_query_param(here, "page", str(self.page + 1)) if more else None,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["items", "total_count", "page", "page_size", "has_more", "next"],
            "properties": {
                "items": schema,
                "total_count": {"type": "integer"},
                "page": {"type": "integer"},
                "page_size": {"type": "integer"},
                "has_more": {"type": "boolean"},
                "next": {"type": ["string", "null"], "format": "uri"},
            },
        }

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "in": "query",
                "required": False,
                "schema": {"type": "integer", "minimum": 1, "maximum": most, "default": default},
            }
            for name, most, default in (("page", LAST_PAGE, 1), ("page_size", MOST, self.page_size))
        ]


def number(request: Request, name: str, *, default: int, most: int) -> int:
    raw = request.query_params.get(name)
    if raw is None:
        return default
    if not (raw.isascii() and raw.isdigit() and len(raw) <= len(str(most)) and 1 <= int(raw) <= most):
        raise InvalidField(name, f"“{name}” is a whole number from 1 to {most}.")
    return int(raw)
