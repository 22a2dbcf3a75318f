"""Bring a text in that somebody had elsewhere: how, and what came of it.

Which serializers read it is the API's to know: `settings.DOCUMENTS` names its function.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

from balancer.fleet.models import Edit
from balancer.haproxy.cfg.fates import Fate, Told
from balancer.queries import objects
from tenants.actor import Actor
from tenants.errors import FieldError, Refused
from tenants.roles import Verb

MOST_ERRORS = 50


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

    @property
    def fates(self) -> dict[str, int]:
        return {fate.value: sum(one.fate is fate for one in self.told) for fate in Fate}

    def shown(self) -> dict[str, Any]:
        return {
            "dry_run": self.dry_run, "counts": self.counts, "objects": self.differences, "notes": self.notes,
            "lines": self.told, "fates": self.fates,
        }  # fmt: skip


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
