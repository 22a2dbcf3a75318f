"""Which route a request would get: asked on the page of the routes, and answered there."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from balancer.console import words
from balancer.console.route_words import condition
from balancer.haproxy.explain import METHOD, TARGET, Asked
from balancer.haproxy.keeping import Because
from balancer.models import Pool, Route
from balancer.queries import route_test
from tenants.console.formwork import ConsoleForm
from tenants.console.sentences import translated
from tenants.models import Tenant

HEADERS_MAX = 50


class TesterForm(ConsoleForm):
    prefix = "test"
    host = forms.CharField(
        label=_lazy("Host"),
        max_length=255,
        widget=forms.TextInput(attrs={"class": "mono", "placeholder": "www.example.com", "autocomplete": "off"}),
    )
    path = forms.CharField(
        label=_lazy("Path"),
        max_length=2000,
        help_text=_lazy("With its query, like /search?q=1."),
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off"}),
    )
    method = forms.CharField(label=_lazy("Method"), max_length=16, widget=forms.TextInput(attrs={"class": "mono"}))
    source = forms.GenericIPAddressField(
        label=_lazy("Client's address"), widget=forms.TextInput(attrs={"class": "mono"})
    )
    headers = forms.CharField(
        label=_lazy("Headers"),
        max_length=20_000,
        required=False,
        help_text=_lazy("One on each line: Name: value."),
        widget=forms.Textarea(
            attrs={"class": "mono", "rows": 3, "placeholder": "X-Name: value\nCookie: a=b", "spellcheck": "false"}
        ),
    )

    @classmethod
    def start(cls) -> dict[str, Any]:
        return {"path": "/", "method": "GET", "source": Asked("").source}

    def clean_path(self) -> str:
        path: str = self.cleaned_data["path"]
        if not TARGET.fullmatch(path):
            raise forms.ValidationError(_("A path starts with /; percent-encode spaces, # and what is not ASCII."))
        return path

    def clean_method(self) -> str:
        method: str = self.cleaned_data["method"].upper()
        if not METHOD.fullmatch(method):
            raise forms.ValidationError(_("A method is of letters, like GET."))
        return method

    def clean_headers(self) -> tuple[tuple[str, str], ...]:
        lines = [line for line in self.cleaned_data["headers"].splitlines() if line.strip()]
        pairs = [line.partition(":") for line in lines]
        if len(pairs) > HEADERS_MAX or not all(name.strip() and colon for name, colon, _rest in pairs):
            raise forms.ValidationError(_("Write one header on each line, like X-Name: value, and 50 at most."))
        return tuple((name.strip().lower(), value.strip()) for name, _colon, value in pairs)

    def asked(self) -> Asked:
        got = self.cleaned_data
        return Asked(got["host"], got["path"], got["method"], got["headers"], str(ip_address(got["source"])))


@dataclass(frozen=True, slots=True)
class TriedRow:
    route: Route
    has_it: bool
    because: str


@dataclass(frozen=True, slots=True)
class ToPool:
    pk: str
    name: str
    weight: int
    backends: list[tuple[str, int, str, Promise]]  # address, weight, state, its word


@dataclass(frozen=True, slots=True)
class Answer:
    verdict: str
    why: str
    route: Route | None
    pools: list[ToPool]
    tried: list[TriedRow]
    cache: str


def answer(tenant: Tenant, asked: Asked, known: list[Route], names: dict[str, str], *, now: datetime) -> Answer:
    """In the tenant's scope; `known` are all of its routes, `names` of its pools."""
    told = route_test.ask(tenant, asked, now=now)
    routes = {route.pk: route for route in known}
    shares = sum(pool["weight"] for pool in told.pools)
    return Answer(
        told.verdict,
        translated(told.why),
        routes.get(told.route or ""),
        [
            ToPool(
                pool["pool"],
                names.get(pool["pool"], pool["pool"]),
                round(pool["weight"] * 100 / shares) if shares else 0,
                [
                    (one["address"], one["weight"], one["oper"], words.OPER[one["oper"]])
                    for one in told.backends
                    if one["pool"] == pool["pool"]
                ],
            )
            for pool in told.pools
        ],
        [
            TriedRow(routes[one["route"]], not one["because"], because(routes[one["route"]], one["because"]))
            for one in told.tried
            if one["route"] in routes
        ],
        cache_line(told.cache),
    )


PASSED: dict[str, Promise] = {
    Because.METHOD: _lazy("It goes past the cache: only GET and HEAD are answered from it."),
    Because.AUTHORIZATION: _lazy("It goes past the cache: it has Authorization."),
    Because.COOKIE: _lazy("It goes past the cache: it has a cookie."),
    Because.BODY: _lazy("It goes past the cache: it has a body."),
    Because.RANGE: _lazy("It goes past the cache: it asks for a part only (Range)."),
    Because.OVERRIDE: _lazy("It goes past the cache: a header asks for another address or method."),
    Because.UPGRADE: _lazy("It goes past the cache: it asks for another protocol (Upgrade)."),
}


def cache_line(told: dict[str, Any] | None) -> str:
    if told is None:
        return ""
    if told["because"]:
        return str(PASSED[told["because"]])
    seconds = told["ttl_ms"] // 1000
    said = _("It may be answered from the cache, and its answer kept for up to %(seconds)d s if it allows that.")
    return said % {"seconds": seconds}


def because(route: Route, said: str) -> str:
    kind, _slash, number = said.partition("/")
    if kind == "path":
        return _("Its path does not fit.")
    if kind == "conditions":
        return _("This does not hold: %(condition)s") % {"condition": condition(route.conditions[int(number)])}
    return _("It has the request.")


def pool_names() -> dict[str, str]:
    return dict(Pool.objects.order_by("name", "pk").values_list("pk", "name"))
