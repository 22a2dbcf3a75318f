"""Pages of what only grows, newest first: from an id on, whatever is added meanwhile."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from tenants.errors import InvalidField
from tenants.restkit.paging import MOST, number

if TYPE_CHECKING:  # DRF reads its settings, and through them this module, while it is itself being imported
    from rest_framework.views import APIView

LAST_ID = 2**63 - 1
COUNTED = 10_000  # beyond it, counting would cost more than the page


class Keyset(BasePagination):
    """`before` is an id; `next` carries it. `total_count` is null above `COUNTED`."""

    page_size = 50

    def paginate_queryset(
        self, queryset: QuerySet[Any, Any] | Sequence[Any], request: Request, view: "APIView | None" = None
    ) -> list[Any]:
        if not isinstance(queryset, QuerySet):
            raise TypeError("Only rows have ids to begin from.")
        if "page" in request.query_params:
            raise InvalidField("page", "These pages have no numbers: follow “next”, or give “before” an id.")
        self.request = request
        self.size = number(request, "page_size", default=self.page_size, most=MOST)
        before = number(request, "before", default=LAST_ID, most=LAST_ID)
        count = queryset.order_by()[: COUNTED + 1].count()
        self.total = count if count <= COUNTED else None
        rows = list(queryset.filter(pk__lt=before).order_by("-pk")[: self.size + 1])
        self.more = len(rows) > self.size
        self.last = rows[self.size - 1].pk if self.more else None
        return rows[: self.size]

    def get_paginated_response(self, data: Any) -> Response:
        here = self.request.build_absolute_uri()
        return Response(
            {
                "items": data,
                "total_count": self.total,
                "page_size": self.size,
                "has_more": self.more,
                "next": replace_query_param(here, "before", str(self.last)) if self.more else None,
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["items", "total_count", "page_size", "has_more", "next"],
            "properties": {
                "items": schema,
                "total_count": {"type": ["integer", "null"], "description": f"Null above {COUNTED}."},
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
                "schema": {"type": "integer", "minimum": 1, "maximum": most},
            }
            for name, most in (("before", LAST_ID), ("page_size", MOST))
        ]
