"""Imports that were done: a list, and what became of each line of one."""

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise

from balancer.console.frame import page
from balancer.console.imports import FATES, MODES, Count, counts_of, lines_of
from balancer.fleet.models import ImportReport
from balancer.haproxy.cfg.fates import Fate, Told
from balancer.queries import imported
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.sentences import translated

PAGE = 30


@dataclass(frozen=True, slots=True)
class FateCount:
    word: Promise | str
    number: int


@dataclass(frozen=True, slots=True)
class ReportRow:
    report: ImportReport
    revision: int | None

    @property
    def counts(self) -> list[Count]:
        return counts_of(self.report.counts)

    @property
    def fates(self) -> list[FateCount]:
        return [FateCount(word, self.report.fates.get(fate, 0)) for fate, word in FATES.items()]

    @property
    def mode(self) -> Promise | str:
        return dict(MODES).get(self.report.mode, self.report.mode)

    @property
    def notes(self) -> list[str]:
        return [translated(note) for note in self.report.notes]


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    found = ImportReport.objects.filter(tenant=request.tenant).select_related("by").defer("lines")
    shown = Paginator(found, PAGE).get_page(request.GET.get("page"))
    revisions = imported.revisions_of(shown)
    rows = [ReportRow(report, revisions.get(report.pk)) for report in shown]
    return page(request, "balancer/import_reports.html", {"shown": shown, "rows": rows})


@tenant_page()
def detail(request: TenantRequest, report_id: str) -> HttpResponse:
    mine = ImportReport.objects.select_related("by")
    report = get_object_or_404(mine, tenant=request.tenant, pk=report_id)
    only = request.GET.get("only", "") if request.GET.get("only") in FATES else ""
    told = [Told(line, text, Fate(fate), said, tuple(names)) for line, text, fate, said, names in report.lines]
    context = {
        "row": ReportRow(report, imported.revisions_of([report]).get(report.pk)),
        "lines": lines_of(told, only),
        "fates": FATES,
        "only": only,
    }
    return page(request, "balancer/import_report.html", context)
