"""Bring a text in that somebody had elsewhere: how, and what came of it.

Which serializers read it is the API's to know: `settings.DOCUMENTS` names its function.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from balancer.fleet.models import Edit, ImportReport
from balancer.haproxy.cfg.fates import Fate, Told
from balancer.haproxy.cfg.kept import bounded, without_values
from balancer.queries import objects
from tenants import scope
from tenants.actor import Actor
from tenants.errors import FieldError, Refused
from tenants.roles import Verb
from tenants.services.trail import audit

MOST_ERRORS = 50
MOST_REPORTS = 50  # of one tenant, however young
CUT = "Of its {all} lines this report keeps {kept}: what was refused first, then notes."


@dataclass(frozen=True, slots=True)
class How:
    """`replace`: also take away what the document has not; else only add and change. `partial`: even though lines are
    refused, without them."""

    replace: bool = False
    dry_run: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Brought:
    counts: dict[str, dict[str, int]]
    differences: list[objects.Difference]
    notes: list[str]
    edits: list[Edit]
    dry_run: bool
    told: Sequence[Told] = ()
    report: str | None = None

    @property
    def fates(self) -> dict[str, int]:
        return {fate.value: sum(one.fate is fate for one in self.told) for fate in Fate}

    def shown(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run, "counts": self.counts, "objects": self.differences, "notes": self.notes,
            "lines": self.told, "fates": self.fates, "report": self.report,
        }  # fmt: skip


def keep(brought: Brought, how: How, *, by: Actor, now: datetime) -> ImportReport:
    """The report, in the import's own transaction, without a value of the file (`cfg.kept`). The oldest beyond
    `MOST_REPORTS` go."""
    told = without_values(brought.told)
    lines = bounded(told)
    cut = [CUT.format(all=len(told), kept=len(lines))] if len(lines) < len(told) else []
    report = ImportReport.objects.create(
        tenant_id=scope.required().tenant_id,
        by_id=by.user_id,
        through=by.through[:40],
        at=now,
        mode="replace" if how.replace else "merge",
        partial=how.partial,
        counts=brought.counts,
        fates=brought.fates,
        notes=[*brought.notes, *cut],
        lines=[[one.line, one.text, one.fate.value, one.sentence, one.objects] for one in lines],
        edit=brought.edits[-1].pk if brought.edits else None,
    )
    mine = ImportReport.objects.filter(tenant=report.tenant_id).order_by("-at", "id")
    ImportReport.objects.filter(pk__in=list(mine.values_list("pk", flat=True)[MOST_REPORTS:])).delete()
    audit.record("configuration.import", by=by, now=now, thing=report, after={"lines": brought.fates})
    return report


class LinesRefused(Refused):
    """What they did would be gone, and who imports must have seen it."""

    def __init__(self, lines: Sequence[Told]) -> None:
        errors = tuple(FieldError(f"/lines/{one.line}", "line_refused", one.sentence) for one in lines[:MOST_ERRORS])
        detail = (
            f"Nothing was changed: {len(lines)} lines cannot be carried, the first is line {lines[0].line}. Look at "
            "each in a dry run; with partial=true the rest is imported without them."
        )
        super().__init__(detail, "lines_refused", 422, errors)


def bring_text(
    text: str,
    form: str,
    hosts: Sequence[str],
    how: How,
    *,
    by: Actor,
    now: datetime,
    require: Callable[[Verb], None],
) -> Brought:
    """`form` is json, yaml or haproxy; `hosts` are for an haproxy.cfg whose sites name none; `require` raises where who
    asks has not that right. Raise `Refused`, which points at fields, or at `/lines/<number>`."""
    bring = import_string(settings.DOCUMENTS)
    return cast(Brought, bring(text, form, hosts, how, by=by, now=now, require=require))
