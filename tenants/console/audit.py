"""Audit: who did what, when, from where; and what was refused."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from tenants.console import menu
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.formwork import ConsoleForm
from tenants.console.menu import Item
from tenants.console.page import page
from tenants.models import AuditEntry, Outcome
from tenants.queries import audit
from tenants.roles import Verb

PAGE = 50
menu.add([Item("account:audit", _("Audit"), "list-search", Verb.MEMBERS)])


class FilterForm(ConsoleForm):
    """All optional. `before` pages: an entry's id."""

    search = forms.CharField(label=_("Search"), required=False, max_length=100)
    act = forms.CharField(label=_("Act"), required=False, max_length=40)
    actor = forms.CharField(label=_("Who"), required=False, max_length=254)
    outcome = forms.ChoiceField(
        label=_("Outcome"),
        required=False,
        choices=[("", _("all")), (Outcome.DONE, _("done")), (Outcome.REFUSED, _("refused"))],
    )
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput)

    def wanted(self) -> audit.Wanted:
        given: dict[str, Any] = self.cleaned_data if self.is_valid() else {}
        since, until = given.get("since"), given.get("until")
        return audit.Wanted(
            search=given.get("search", ""),
            act=given.get("act", ""),
            actor=given.get("actor", ""),
            outcome=given.get("outcome", ""),
            since=datetime.combine(since, time.min, UTC) if since else None,
            until=datetime.combine(until + timedelta(days=1), time.min, UTC) if until else None,
        )


@dataclass(frozen=True, slots=True)
class Difference:
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Row:
    entry: AuditEntry

    @property
    def differences(self) -> list[Difference]:
        """Of what was there before and is there now."""
        return self._differing() if self.entry.before and self.entry.after else []

    @property
    def fields(self) -> list[Difference]:
        """Of what was made or taken away: all of it, for who wants to see it."""
        return [] if self.entry.before and self.entry.after else self._differing()

    def _differing(self) -> list[Difference]:
        before, after = self.entry.before, self.entry.after
        return [Difference(name, said(before.get(name)), said(after.get(name))) for name in sorted(before | after)]


def said(value: object) -> str:
    """As JSON has it, but for text."""
    if value is None or value in ("", [], {}):
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@tenant_page(Verb.MEMBERS)
def index(request: TenantRequest) -> HttpResponse:
    form = FilterForm(request.GET or None)
    found = audit.found(request.tenant.pk, form.wanted())
    before = form.cleaned_data.get("before") if form.is_bound and form.is_valid() else None
    rows = list(found.filter(pk__lt=before)[: PAGE + 1] if before else found[: PAGE + 1])
    more, rows = len(rows) > PAGE, rows[:PAGE]
    asked = {name: value for name, value in request.GET.items() if value and name in form.fields and name != "before"}
    context = {
        "form": form,
        "rows": [Row(entry) for entry in rows],
        "filtered": bool(asked),
        "older": urlencode({**asked, "before": rows[-1].pk}) if more else "",
        "newest": urlencode(asked) if before else None,
        "exported": urlencode(_for_api(form.wanted())),
    }
    return page(request, "tenants/audit.html", context, status=200 if not form.errors else 422)


def _for_api(wanted: audit.Wanted) -> dict[str, str]:
    """The API's names of the same filters."""
    named = {
        "search": wanted.search,
        "act": wanted.act,
        "actor": wanted.actor,
        "outcome": wanted.outcome,
        "from": wanted.since.isoformat() if wanted.since else "",
        "to": wanted.until.isoformat() if wanted.until else "",
    }
    return {name: value for name, value in named.items() if value}
