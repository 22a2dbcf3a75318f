"""The form of a route: what everybody sets, and what stands under Advanced."""

import re
from typing import Any, ClassVar

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from balancer.console import route_fields as kinds
from balancer.console import route_rows
from balancer.console.cache_fields import CacheFields
from balancer.console.forms import DurationField
from balancer.console.route_fields import ACTS, CODES, PATHS, Choice, HeadersField, PageField, SizeField, WordsField
from balancer.haproxy.read_routing import PRIORITY_MAX
from balancer.haproxy.routing import (
    FORBIDDEN_REQUEST_HEADERS,
    FORBIDDEN_RESPONSE_HEADERS,
    MANY_CONDITIONS,
    MANY_SHARES,
    Act,
    Cors,
    Maintenance,
)
from balancer.haproxy.text import VALUE_MAX
from balancer.models import Pool
from tenants.console.formwork import dress

MONO = {"class": "mono", "autocomplete": "off", "spellcheck": "false"}
PAGE = "<!doctype html>\n<title>Maintenance</title>\n<h1>We will be back soon.</h1>\n"
CORS, DOWN = Cors(("*",)), Maintenance(PAGE)
_ROW = re.compile(r"/(conditions|action/pools)/(\d+)/(\w+)")


def line(most: int = VALUE_MAX, **more: Any) -> forms.CharField:
    return forms.CharField(max_length=most, required=False, widget=forms.TextInput(attrs={**MONO}), **more)


class RouteForm(CacheFields):
    pointers: ClassVar[dict[str, str]] = {
        "/conditions": "condition_0_type",
        "/action/pools": "share_0_pool",
        "/action/url": "redirect_url",
        "/action/prefix": "redirect_url",
        "/action/code": "redirect_code",
        **{f"/action/{name}": f"respond_{name}" for name in ("status", "content_type", "body")},
        "/action": "action_type",
        "/rewrite": "rewrite_regex",
        "/cors": "cors_origins",
    }
    host = forms.CharField(
        label=_("Host"),
        max_length=255,
        help_text=_("Like www.example.com, or *.example.com for all names below it."),
        widget=forms.TextInput(attrs={"class": "mono", "placeholder": "www.example.com", "autocomplete": "off"}),
    )
    path_match = Choice(PATHS, label=_("The path"))
    path_prefix = forms.CharField(
        label=_("Path"),
        max_length=500,
        help_text=_("The longest that fits wins; /api fits /api and /api/users, not /apix."),
        widget=forms.TextInput(attrs={**MONO}),
    )
    priority = forms.IntegerField(
        label=_("Priority"),
        min_value=-PRIORITY_MAX,
        max_value=PRIORITY_MAX,
        required=False,
        help_text=_("Of all routes that fit, the highest has the request. Empty: 0."),
    )
    description = forms.CharField(label=_("Description"), max_length=500, required=False)
    enabled = forms.BooleanField(label=_("Enabled"), required=False, help_text=_("A disabled route takes no requests."))

    action_type = Choice(ACTS, label=_("What is done with the request"))
    pool = Choice([("", "–")], label=_("Pool"))
    redirect_url = line(label=_("To"), help_text=_("Like https://www.example.com or /new."))
    redirect_keep = forms.BooleanField(label=_("Append the request's own path and query"), required=False)
    redirect_code = Choice(CODES, label=_("Status code"))
    respond_status = forms.IntegerField(label=_("Status"), min_value=200, max_value=599, required=False)
    respond_content_type = line(100, label=_("Content type"))
    respond_body = PageField(label=_("What it says"), help_text=_("4096 bytes at most."))

    rewrite_prefix = line(
        label=_("Another prefix"), help_text=_("Stands for the path above: /api becomes /v2, or / takes it away.")
    )
    rewrite_host = line(253, label=_("Another host"), help_text=_("What the backend is asked for."))
    rewrite_regex = forms.CharField(
        label=_("Or find in the path"),
        max_length=256,
        required=False,
        strip=False,
        widget=forms.TextInput(attrs={**MONO}),
        help_text=_("An expression, like ^/users/([0-9]+)$"),
    )
    rewrite_replacement = line(
        label=_("And put there"), help_text=_("A path; \\1 is what the first parentheses found.")
    )
    request_headers = HeadersField(
        FORBIDDEN_REQUEST_HEADERS,
        label=_("Headers to the backend"),
        help_text=_("One on each line: set, add or remove."),
    )
    response_headers = HeadersField(
        FORBIDDEN_RESPONSE_HEADERS,
        label=_("Headers to the client"),
        help_text=_("One on each line: set, add or remove."),
    )
    cors_origins = WordsField(
        label=_("Origins"),
        widget=forms.TextInput(attrs={**MONO}),
        help_text=_("Like https://app.example.com, or * for all. Empty: CORS is left to the backend."),
    )
    cors_methods = WordsField(label=_("Methods"), widget=forms.TextInput(attrs={**MONO}))
    cors_headers = WordsField(label=_("Headers that may be sent"), widget=forms.TextInput(attrs={**MONO}))
    cors_exposed = WordsField(label=_("Headers that may be read"), widget=forms.TextInput(attrs={**MONO}))
    cors_credentials = forms.BooleanField(label=_("With cookies and credentials"), required=False)
    cors_max_age_ms = DurationField(label=_("Browsers remember this for"), required=False)
    timeout_ms = DurationField(
        label=_("Wait for the answer"), required=False, help_text=_("Like 90s. Empty: as the pool has it.")
    )
    max_body = SizeField(
        label=_("Largest body"), required=False, help_text=_("Like 10M; what is larger is answered 413. Empty: any.")
    )
    compression = forms.BooleanField(label=_("Compress answers"), required=False)
    maintenance_on = forms.BooleanField(
        label=_("In maintenance"), required=False, help_text=_("Every request is answered 503 with this page.")
    )
    maintenance_body = PageField(label=_("Page"))
    maintenance_content_type = line(100, label=_("Content type"))
    maintenance_retry_after_ms = DurationField(label=_("Come back after"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        pools: kinds.Choices = [
            (pool.pk, pool.name) for pool in Pool.objects.filter(mode="http").order_by("name", "pk")
        ]
        self.fields["pool"].choices = [("", "–"), *pools]  # type: ignore[attr-defined]
        self.rows = {
            kind: route_rows.sent(self.data if self.is_bound else self.initial, kind, part, most)
            for kind, part, most in (
                ("condition", "type", MANY_CONDITIONS),
                ("share", "pool", MANY_SHARES),
            )
        }
        fields = [
            *route_rows.condition_fields(self.rows["condition"]),
            *route_rows.share_fields(self.rows["share"], pools),
        ]
        for name, field in fields:
            dress(field)
            self.fields[name] = field

    def clean(self) -> dict[str, Any]:
        got = self.cleaned_data
        self.conditions = route_rows.conditions_of(self, self.rows["condition"])
        self.shares: dict[int, dict[str, Any]] = {}
        match got.get("action_type"):
            case Act.POOL:
                if not got.get("pool"):
                    self.add_error("pool", _("Choose a pool."))
            case Act.WEIGHTED:
                self.shares = route_rows.shares_of(self, self.rows["share"])
            case Act.REDIRECT:
                if not got.get("redirect_url"):
                    self.add_error("redirect_url", _("Say where to."))
        if bool(got.get("rewrite_regex")) is not bool(got.get("rewrite_replacement")):
            empty = "rewrite_replacement" if got.get("rewrite_regex") else "rewrite_regex"
            self.add_error(empty, _("What is found and what is put there belong together."))
        return got

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        got = self.cleaned_data
        same = ("host", "path_match", "path_prefix", "description", "enabled", "compression", "timeout_ms", "max_body",
                "request_headers", "response_headers")  # fmt: skip
        return {
            **{name: got[name] for name in same},
            "priority": got["priority"] or 0,
            "pool": got["pool"] if got["action_type"] == Act.POOL else None,
            "conditions": list(self.conditions.values()),
            "action": self._action(),
            "rewrite": {name: got[f"rewrite_{name}"] for name in ("prefix", "regex", "replacement", "host")},
            "cors": self._cors(),
            "maintenance": self._maintenance(),
            "cache": self.cache(),
        }

    def _action(self) -> dict[str, Any]:
        got = self.cleaned_data
        action: dict[str, Any] = {"type": got["action_type"]}
        match got["action_type"]:
            case Act.WEIGHTED:
                action["pools"] = list(self.shares.values())
            case Act.REDIRECT:
                action["prefix" if got["redirect_keep"] else "url"] = got["redirect_url"]
                action["code"] = int(got["redirect_code"])
            case Act.RESPOND:
                action["status"] = got["respond_status"] or 200
                action["content_type"] = got["respond_content_type"] or "text/plain"
                action["body"] = got["respond_body"]
        return action

    def _cors(self) -> dict[str, Any] | None:
        got = self.cleaned_data
        if not got["cors_origins"]:
            return None
        lists = {name: got[f"cors_{name}"] for name in ("origins", "headers", "exposed")}
        methods = [method.upper() for method in got["cors_methods"]] or list(CORS.methods)
        age = got["cors_max_age_ms"]
        return {
            **lists,
            "methods": methods,
            "credentials": got["cors_credentials"],
            "max_age_s": CORS.max_age_s if age is None else age // 1000,
        }

    def _maintenance(self) -> dict[str, Any] | None:
        got = self.cleaned_data
        if not got["maintenance_on"]:
            return None
        after = got["maintenance_retry_after_ms"]
        return {
            "body": got["maintenance_body"],
            "content_type": got["maintenance_content_type"] or DOWN.content_type,
            "retry_after_s": DOWN.retry_after_s if after is None else after // 1000,
        }

    def field_of(self, pointer: str) -> str | None:
        """A row's error stands at the row that it was typed in."""
        found = _ROW.fullmatch(pointer)
        if not found:
            timed = {"/cors/max_age_s": "cors_max_age_ms", "/maintenance/retry_after_s": "maintenance_retry_after_ms",
                     "/cache": "cache_ttl_ms", "/cache/ttl_s": "cache_ttl_ms"}  # fmt: skip
            return timed.get(pointer) or super().field_of(pointer)
        kind, rows = ("condition", self.conditions) if found[1] == "conditions" else ("share", self.shares)
        part = "op" if found[3] == "negate" else found[3]
        return super().field_of(f"/{kind}_{list(rows)[int(found[2])]}_{part}")

    @property
    def condition_rows(self) -> list[list[BoundField]]:
        return [
            [self[f"condition_{number}_{part}"] for part in route_rows.PARTS]
            for number in range(self.rows["condition"])
        ]

    @property
    def share_rows(self) -> list[list[BoundField]]:
        return [[self[f"share_{number}_{part}"] for part in ("pool", "weight")] for number in range(self.rows["share"])]
