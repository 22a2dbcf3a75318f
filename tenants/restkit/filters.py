"""Filter, search and order lists. A parameter that means nothing here is refused: ignored, a mistyped filter would
answer with everything."""

from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from rest_framework import filters
from rest_framework.request import Request

from tenants.errors import FieldError, InvalidField, Refused
from tenants.restkit.every_field import completed

if TYPE_CHECKING:  # DRF reads its settings, and through them this module, while it is itself being imported
    from rest_framework.views import APIView

ALWAYS = frozenset({"page", "page_size", "search", "ordering"})


class Filter(DjangoFilterBackend):
    def get_filterset_class(self, view: Any, queryset: Any = None) -> Any:
        base = super().get_filterset_class(view, queryset)
        if queryset is None or not hasattr(view, "get_serializer_class"):
            return base
        serializer = view.get_serializer_class()
        return completed(base or FilterSet, serializer, queryset.model) if serializer is not None else base

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: "APIView") -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        known = ALWAYS | (set(filterset.filters) if filterset is not None else set())
        known |= set(getattr(view, "extra_parameters", ()))
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            errors = tuple(FieldError(f"/{name}", "unknown", f"There is no filter “{name}”.") for name in unknown)
            sentence = f"There is no filter {', '.join(unknown)}. There is: {', '.join(sorted(known))}."
            raise Refused(sentence, "invalid", errors=errors)
        filtered: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return filtered


class Search(filters.SearchFilter):
    """`search=` in the view's `search_fields`; refused where there is nothing to search in."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: "APIView") -> QuerySet[Any]:
        if "search" in request.query_params and not self.get_search_fields(view, request):
            raise InvalidField("search", "This list cannot be searched; filter it by its fields.", "unknown")
        found: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return found


class Ordering(filters.OrderingFilter):
    """`ordering=name,-created_at`, always down to the primary key, so that pages never overlap."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: "APIView") -> list[str]:
        asked = [term.strip() for term in request.query_params.get("ordering", "").split(",") if term.strip()]
        known = {name for name, _ in self.get_valid_fields(queryset, view, {"request": request})}
        for term in asked:
            if term.removeprefix("-") not in known:
                raise InvalidField("ordering", f"Cannot order by “{term}”. Possible: {', '.join(sorted(known))}.")
        usual = self.get_default_ordering(view) or queryset.query.order_by or queryset.model._meta.ordering
        terms = asked or [str(term) for term in usual]
        if not any(term.lstrip("-") in ("pk", "id") for term in terms):
            terms.append("pk")
        return terms
