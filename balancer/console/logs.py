"""Logs: the newest requests, one line each."""

from typing import Any
from urllib.parse import urlencode

import redis
from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from balancer.console.frame import page
from balancer.queries import logs
from balancer.queries.logs import Page, Wanted
from tenants.console.doors import TenantRequest, tenant_page
from tenants.console.formwork import ConsoleForm
from tenants.restkit import access
from tenants.roles import Verb

PAGE = 50
CLASSES = ("2xx", "3xx", "4xx", "5xx")
NOW = {"type": "datetime-local", "step": "1"}


class FilterForm(ConsoleForm):
    """All optional. `before` pages: a line's place."""

    status_class = forms.ChoiceField(
        label=pgettext_lazy("noun", "Answer"),
        required=False,
        choices=[("", _("all")), *((one, one) for one in CLASSES)],
    )
    status = forms.IntegerField(label=_("Status code"), required=False, min_value=100, max_value=599)
    host = forms.CharField(label=_("Host"), required=False, max_length=253)
    path = forms.CharField(label=_("Path begins with"), required=False, max_length=255)
    since = forms.DateTimeField(label=_("From"), required=False, widget=forms.DateTimeInput(attrs=NOW))
    until = forms.DateTimeField(label=_("To"), required=False, widget=forms.DateTimeInput(attrs=NOW))
    id = forms.UUIDField(label=pgettext_lazy("of a request", "Id"), required=False)
    before = forms.RegexField(r"\A\d{1,15}-\d{1,10}\Z", required=False, widget=forms.HiddenInput)

    def wanted(self) -> Wanted:
        given: dict[str, Any] = self.cleaned_data
        return Wanted(
            status=given.get("status") or 0,
            status_class=int((given.get("status_class") or "0")[0]),
            host=given.get("host", ""),
            path=given.get("path", ""),
            id=str(given.get("id") or ""),
            since=given.get("since"),
            until=given.get("until"),
        )


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    form = FilterForm(request.GET)
    found, away = Page((), "", 0), False
    if form.is_valid():
        masked = not access.of(request).may(Verb.MEMBERS)
        before = form.cleaned_data["before"]
        try:
            found = logs.of(request.tenant.key, form.wanted(), before=before, size=PAGE, masked=masked)
        except redis.RedisError:
            away = True
    asked = {name: value for name, value in request.GET.items() if value and name in form.fields and name != "before"}
    context = {
        "form": form,
        "found": found,
        "away": away,
        "filtered": bool(asked),
        "asked": urlencode(asked),
        "older": urlencode({**asked, "before": found.after}) if found.after else "",
        "paged": bool(request.GET.get("before")),
    }
    return page(request, "balancer/logs.html", context, status=200 if form.is_valid() else 422)
