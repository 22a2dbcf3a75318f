"""Imports of an haproxy.cfg that were done: who, when, what came of it, and what became of every line."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from balancer.api.imports import MODES, CountSerializer, LineSerializer
from balancer.fleet.models import ImportReport
from balancer.queries import imported
from tenants.restkit.viewsets import TenantViewSet


class ImportReportSerializer(serializers.Serializer[ImportReport]):
    id = serializers.CharField()
    at = serializers.DateTimeField()
    author = serializers.SerializerMethodField(help_text="Null: the account is gone.")
    through = serializers.CharField(help_text="console, api, or the key's name.")
    mode = serializers.ChoiceField(MODES)
    partial = serializers.BooleanField(  # type: ignore[assignment]
        help_text="It was imported although lines were refused, without them."
    )
    counts = serializers.DictField(child=CountSerializer())
    fates = serializers.DictField(child=serializers.IntegerField(), help_text="How many lines have which.")
    notes = serializers.ListField(child=serializers.CharField())
    revision = serializers.SerializerMethodField(help_text="The one that it is in; null: none yet, or none any more.")

    def get_author(self, report: ImportReport) -> str | None:
        return report.by.email if report.by else None

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_revision(self, report: ImportReport) -> int | None:
        revisions: Mapping[str, int] = self.context["view"].revisions
        return revisions.get(report.pk)


class ImportReportLinesSerializer(ImportReportSerializer):
    lines = serializers.SerializerMethodField()

    @extend_schema_field(LineSerializer(many=True))
    def get_lines(self, report: ImportReport) -> list[dict[str, Any]]:
        """Every line once. `text` is what it begins with: values are left out, as they may be secrets."""
        return [dict(zip(("line", "text", "fate", "sentence", "objects"), one, strict=True)) for one in report.lines]


class ImportReportFilter(filters.FilterSet):
    author = filters.CharFilter(field_name="by__email")

    class Meta:
        model = ImportReport
        fields = ("mode", "partial", "through")


class ImportReportViewSet(TenantViewSet):
    """An haproxy.cfg that was brought in. Kept for as long as revisions are, the newest fifty."""

    queryset = ImportReport.objects.select_related("by")
    serializer_class = ImportReportSerializer
    filterset_class = ImportReportFilter
    search_fields = ("by__email",)
    ordering_fields = ("at",)
    revisions: Mapping[str, int] = {}

    def get_queryset(self) -> QuerySet[ImportReport]:
        mine = super().get_queryset().filter(tenant=self.tenant)
        return mine if self.action == "retrieve" else mine.defer("lines")

    def get_serializer_class(self) -> type[serializers.Serializer[Any]]:
        return ImportReportLinesSerializer if self.action == "retrieve" else ImportReportSerializer

    def get_object(self) -> ImportReport:
        found: ImportReport = super().get_object()
        self.revisions = imported.revisions_of([found])
        return found

    def paginate_queryset(self, queryset: Any) -> list[Any] | None:
        page = super().paginate_queryset(queryset)
        self.revisions = imported.revisions_of(page or [])
        return page
