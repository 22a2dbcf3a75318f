"""/api/audit: who did what, when, from where; for those who answer for the tenant's people."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from tenants.errors import InvalidField
from tenants.models import AuditEntry, Outcome
from tenants.queries import audit as trail
from tenants.restkit import export
from tenants.restkit.export import Format
from tenants.restkit.filters import Filter, Ordering, Search
from tenants.restkit.keyset import Keyset
from tenants.restkit.viewsets import TenantViewSet
from tenants.roles import Verb
from tenants.services.trail import audit

FIELDS = (
    "id",
    "at",
    "actor",
    "actor_id",
    "impersonator",
    "through",
    "address",
    "act",
    "kind",
    "object_id",
    "name",
    "outcome",
    "detail",
    "before",
    "after",
    "request_id",
    "previous",
    "digest",
)


class AuditSerializer(serializers.ModelSerializer[AuditEntry]):
    id = serializers.CharField()
    outcome = serializers.ChoiceField(Outcome.values)
    before = serializers.DictField()
    after = serializers.DictField()

    class Meta:
        model = AuditEntry
        fields = FIELDS


class AuditFilter(filters.FilterSet):
    """`act` may end with `.`: `member.` finds all that was done with members."""

    act = filters.CharFilter(method="by_act")
    actor = filters.CharFilter(lookup_expr="iexact")
    object = filters.CharFilter(field_name="object_id")

    class Meta:
        model = AuditEntry
        fields = (
            "act",
            "actor",
            "actor_id",
            "impersonator",
            "through",
            "address",
            "kind",
            "object_id",
            "name",
            "outcome",
            "request_id",
        )

    @classmethod
    def get_filters(cls) -> "OrderedDict[str, filters.Filter]":
        """`from` is no name in Python."""
        found = super().get_filters()
        found["from"] = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
        found["to"] = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")
        return found

    def by_act(self, rows: QuerySet[AuditEntry], name: str, value: str) -> QuerySet[AuditEntry]:
        return rows.filter(act__startswith=value) if value.endswith(".") else rows.filter(act=value)


class AuditViewSet(TenantViewSet):
    """One thing that was done, or refused."""

    queryset = AuditEntry.objects.all()
    serializer_class = AuditSerializer
    filter_backends = (Filter, Search, Ordering)
    filterset_class = AuditFilter
    search_fields = ("act", "actor", "name", "object_id", "detail", "request_id")
    ordering_fields = ("id",)
    extra_parameters: ClassVar[tuple[str, ...]] = ("before", "format")
    pagination_class = Keyset
    filtered_actions = frozenset({"list", "export"})
    lookup_value_regex = "[0-9a-z]{1,19}"
    verbs: ClassVar[dict[str, Verb]] = dict.fromkeys(("list", "retrieve", "export", "metadata"), Verb.MEMBERS)

    def get_queryset(self) -> QuerySet[AuditEntry]:
        return super().get_queryset().filter(tenant_id=self.tenant.pk)

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=[one.value for one in Format], default="csv")],
        responses={(200, media): OpenApiTypes.STR for media in ("text/csv", "application/x-ndjson")},
    )
    @action(detail=False, methods=["get"], pagination_class=None)
    def export(self, request: Request, **_: Any) -> HttpResponseBase:
        """Download what the filters find, as CSV or as a JSON object a line."""
        try:
            kind = Format(request.query_params.get("format", Format.CSV))
        except ValueError as error:
            raise InvalidField("format", "The format is csv or jsonl.") from error
        found = self.filter_queryset(self.get_queryset())
        audit.record("audit.export", by=self.actor, now=timezone.now(), tenant=self.tenant, name=kind.value)
        name = f"audit-{self.tenant.slug}"
        return export.answer(request._request, _shown(found), columns=FIELDS, kind=kind, name=name)


def _shown(found: QuerySet[AuditEntry]) -> Iterator[export.Rows]:
    """No generator itself: the batches take the request's scope now, and are read after it."""
    return (AuditSerializer(batch, many=True).data for batch in trail.batches(found))
