"""The forms of pools, backends and sites. Durations are typed in seconds or milliseconds, kept in milliseconds."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from balancer.haproxy.desired import Algorithm, CheckType
from balancer.models import Backend, Pool
from tenants.console.formwork import ConsoleForm

DURATION = re.compile(r"(\d{1,9}(?:[.,]\d{1,9})?)\s*(ms|s|m)?")
UNITS = {"ms": 1, "s": 1000, "m": 60_000}
ALGORITHMS = [
    (Algorithm.ROUND_ROBIN, _("Round robin: one after the other")),
    (Algorithm.WEIGHTED_ROUND_ROBIN, _("Weighted round robin: in proportion to the weights")),
    (Algorithm.LEAST_CONN, _("Least connections: to the one with the fewest")),
    (Algorithm.IP_HASH, _("Client address: the same client to the same backend")),
    (Algorithm.URI_HASH, _("Path: the same path to the same backend, as caches like it")),
    (Algorithm.HEADER_HASH, _("By a header: the same value to the same backend")),
    (Algorithm.RANDOM, _("Random: of two drawn by weight, the less busy one")),
    (Algorithm.FIRST, _("First: fill one to its most connections before the next")),
]
CHECKS = [
    (CheckType.HTTP, _("HTTP: ask for a path and look at the answer")),
    (CheckType.TCP, _("TCP: see whether the port opens")),
    (CheckType.TLS, _("TLS: see whether a handshake works")),
    (CheckType.NONE, _("None: never ask")),
]
METHODS = [(method, method) for method in ("GET", "HEAD", "OPTIONS")]


class DurationField(forms.CharField):
    """`5s`, `250ms`, `1.5s`, `2m`; a bare number is seconds. The value is milliseconds."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": _("Write a duration with its unit, like 5s or 250ms.")
    }

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip().lower()
        if not text:
            return None
        found = DURATION.fullmatch(text)
        if found is None:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        try:
            return int(Decimal(found[1].replace(",", ".")) * UNITS[found[2] or "s"])
        except InvalidOperation as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        return f"{value // 1000}s" if value % 1000 == 0 else f"{value}ms"


def port_field(**more: Any) -> forms.IntegerField:
    message = _("A port is from 1 to 65535.")
    validators = [MinValueValidator(1, message), MaxValueValidator(65535, message)]
    return forms.IntegerField(validators=validators, **more)


def weight_field(**more: Any) -> forms.IntegerField:
    message = _("A weight is from 0 to 256; 0 gets no new requests.")
    validators = [MinValueValidator(0, message), MaxValueValidator(256, message)]
    return forms.IntegerField(
        label=_("Weight"), validators=validators, widget=forms.NumberInput(attrs={"min": 0, "max": 256}), **more
    )


class PoolForm(ConsoleForm):
    pointers: ClassVar[dict[str, str]] = {
        **{f"/health_check/{name}": f"check_{name}" for name in (
            "type", "method", "path", "host", "expected_status", "rise", "fall", "port")},
        "/health_check/interval": "check_interval_ms",
        "/health_check/timeout": "check_timeout_ms",
        "/timeouts/connect": "timeout_connect_ms",
        "/timeouts/server": "timeout_server_ms",
        "/timeouts/queue": "timeout_queue_ms",
    }  # fmt: skip
    name = forms.CharField(label=_("Name"), max_length=80)
    algorithm = forms.ChoiceField(
        label=_("How to choose a backend"),
        choices=ALGORITHMS,
        help_text=_("By geography (geo_proximity) and by learned weights (adaptive) cannot be chosen here."),
    )
    description = forms.CharField(label=_("Description"), max_length=500, required=False)

    check_type = forms.ChoiceField(label=_("Health check"), choices=CHECKS)
    check_method = forms.ChoiceField(label=_("Method"), choices=METHODS)
    check_path = forms.CharField(label=_("Path"), max_length=500)
    check_host = forms.CharField(label=_("Host header"), max_length=255, required=False)
    check_expected_status = forms.CharField(
        label=_("Good answers"), max_length=100, help_text=_("Like 200-399 or 200,204.")
    )
    check_interval_ms = DurationField(label=_("Ask every"))
    check_timeout_ms = DurationField(label=_("Wait for an answer"))
    check_rise = forms.IntegerField(label=_("Up after"), help_text=_("good answers"), min_value=1, max_value=100)
    check_fall = forms.IntegerField(label=_("Down after"), help_text=_("failures"), min_value=1, max_value=100)
    check_port = port_field(label=_("Another port"), required=False)

    timeout_connect_ms = DurationField(label=_("Connect"))
    timeout_server_ms = DurationField(label=_("Answer"))
    timeout_queue_ms = DurationField(label=_("Wait in the queue"))
    retries = forms.IntegerField(label=_("Retries"), min_value=0, max_value=10)

    @classmethod
    def start(cls, pool: Pool | None = None) -> dict[str, Any]:
        source = pool or Pool()
        return {name: getattr(source, name) for name in cls.base_fields}


class BackendForm(ConsoleForm):
    address = forms.CharField(
        label=_("Address"),
        max_length=262,
        help_text=_(
            "IP or host name, and port: 10.0.0.5:8080, [2001:db8::5]:8080 or app.example.com:8080. A name is looked up "
            "again and again, and each of its addresses is served."
        ),
        widget=forms.TextInput(attrs={"class": "mono", "placeholder": "10.0.0.5:8080", "autocomplete": "off"}),
    )
    weight = weight_field()
    max_connections = forms.IntegerField(
        label=_("Most connections"), min_value=1, max_value=1_000_000, required=False, help_text=_("Empty: no limit.")
    )
    backup = forms.BooleanField(
        label=_("Backup"), required=False, help_text=_("Gets requests only while no other backend is up.")
    )
    check_port = port_field(label=_("Check another port"), required=False)
    region = forms.CharField(label=_("Region"), max_length=40, required=False)
    description = forms.CharField(label=_("Description"), max_length=500, required=False)

    @classmethod
    def start(cls, backend: Backend | None = None) -> dict[str, Any]:
        source = backend or Backend()
        return {name: getattr(source, name) for name in cls.base_fields if name != "address"} | (
            {"address": backend.address} if backend else {}
        )


class WeightForm(ConsoleForm):
    weight = weight_field()


class DomainForm(ConsoleForm):
    domain = forms.CharField(
        label=_("Domain"),
        max_length=253,
        help_text=_("Like example.com; it stands for all names below it too."),
        widget=forms.TextInput(attrs={"class": "mono", "placeholder": "example.com", "autocomplete": "off"}),
    )


class SiteForm(ConsoleForm):
    host = forms.CharField(
        label=_("Host"),
        max_length=255,
        help_text=_("The name that people type, like www.example.com."),
        widget=forms.TextInput(attrs={"class": "mono", "placeholder": "www.example.com", "autocomplete": "off"}),
    )
    addresses = forms.CharField(
        label=_("Addresses that answer"),
        max_length=4000,
        help_text=_("One on each line: IP or host name, and port, like 10.0.0.5:8080 or app.example.com:8080."),
        widget=forms.Textarea(attrs={"class": "mono", "rows": 4, "placeholder": "10.0.0.5:8080\n10.0.0.6:8080"}),
    )
    check_path = forms.CharField(
        label=_("Path to check"),
        max_length=500,
        help_text=_("Asked every five seconds; an answer from 200 to 399 means up."),
        widget=forms.TextInput(attrs={"class": "mono"}),
    )

    def clean_addresses(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["addresses"].replace(",", "\n").splitlines() if line.strip()]

    def field_of(self, pointer: str) -> str | None:
        """An address's own error stands at the field that holds all of them."""
        return "addresses" if pointer.startswith("/addresses") else super().field_of(pointer)
