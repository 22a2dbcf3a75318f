"""The whole form of a pool: what everybody sets, and how it serves beyond that."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from balancer.console.forms import DurationField
from balancer.console.forms import PoolForm as CommonForm
from balancer.haproxy.listeners import Mode
from balancer.haproxy.serving import ProxyProtocol, RetryOn, StickyType
from balancer.models import Pool

MODES = [
    (Mode.HTTP, _("HTTP: for routes")),
    (Mode.TCP, _("TCP: bytes as they come, for listeners")),
]
STICKY = [
    (StickyType.NONE, _("No: every request is chosen anew")),
    (StickyType.COOKIE, _("By a cookie of ours: the same on all nodes")),
    (StickyType.APP_COOKIE, _("By your application's cookie")),
    (StickyType.SOURCE, _("By the client's address: each node remembers on its own")),
]
RETRY = [
    (RetryOn.EMPTY, _("The backend hung up without an answer")),
    (RetryOn.TIMEOUT, _("The backend took too long")),
    (RetryOn.BAD_GATEWAY, "502"),
    (RetryOn.UNAVAILABLE, "503"),
    (RetryOn.GATEWAY_TIMEOUT, "504"),
]
PROXY = [
    (ProxyProtocol.NONE, _("No")),
    (ProxyProtocol.V1, _("Version 1, as text")),
    (ProxyProtocol.V2, _("Version 2, binary")),
]
MANY = 1_000_000
NO_LIMIT = _("Empty: no limit.")


def pem(**more: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"class": "mono", "rows": 4, "autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(required=False, max_length=64_000, widget=widget, **more)


def count(most: int = MANY, **more: Any) -> forms.IntegerField:
    return forms.IntegerField(required=False, min_value=1, max_value=most, **more)


class PoolForm(CommonForm):
    pointers: ClassVar[dict[str, str]] = {
        **CommonForm.pointers,
        "/health_check/expected_body": "check_expected_body",
        "/sticky/type": "sticky_type",
        "/sticky/cookie_name": "sticky_cookie_name",
        "/sticky/ttl": "sticky_ttl_ms",
        "/slow_start": "slow_start_ms",
        **{f"/tls/{name}": f"tls_{name}" for name in ("enabled", "verify", "ca", "sni", "certificate", "key")},
    }
    mode = forms.ChoiceField(
        label=_("Mode"), choices=MODES, required=False, help_text=_("For good: another one needs another pool.")
    )
    check_expected_body = forms.CharField(
        label=_("The answer contains"), max_length=200, required=False, help_text=_("Empty: whatever it says.")
    )
    hash_header = forms.CharField(
        label=_("Header to go by"), max_length=64, required=False, help_text=_("For “By a header”, like X-User.")
    )
    sticky_type = forms.ChoiceField(label=_("Keep a client at its backend"), choices=STICKY)
    sticky_cookie_name = forms.CharField(
        label=_("Name of the cookie"), max_length=40, required=False, help_text=_("Empty: one of ours is made.")
    )
    sticky_ttl_ms = DurationField(
        label=_("Forget after"), required=False, help_text=_("Without a request, like 30m. Empty: with the browser.")
    )
    backup_pool = forms.ChoiceField(
        label=_("Pool that takes over"), required=False, help_text=_("While no backend of this one can answer.")
    )
    max_connections = count(label=_("Most requests at once"), help_text=NO_LIMIT)
    max_queue = count(label=_("Most requests that wait"), help_text=NO_LIMIT)
    slow_start_ms = DurationField(
        label=_("Slow start"), required=False, help_text=_("How long a backend that came back takes to its full share.")
    )
    error_limit = count(
        10_000, label=_("Errors in a row"), help_text=_("Of real requests, until a backend counts as down. Empty: any.")
    )
    retry_on = forms.MultipleChoiceField(
        label=_("Try again also when"),
        choices=RETRY,
        required=False,
        widget=forms.SelectMultiple(attrs={"size": len(RETRY)}),
        help_text=_("Only GET, HEAD and OPTIONS are sent a second time."),
    )
    tls_enabled = forms.BooleanField(label=_("TLS to the backends"), required=False)
    tls_verify = forms.BooleanField(label=_("Verify their certificate and its name"), required=False)
    tls_sni = forms.CharField(
        label=_("Name in the certificate"), max_length=253, required=False, help_text=_("Empty: the host asked for.")
    )
    tls_ca = pem(label=_("Authority (PEM)"), help_text=_("Empty: the public authorities."))
    tls_certificate = pem(label=_("Client certificate (PEM)"))
    tls_key = pem(label=_("Its key (PEM)"), help_text=_("It is sealed and never shown; empty keeps the one it has."))
    proxy_protocol = forms.ChoiceField(label=_("PROXY protocol to the backends"), choices=PROXY)
    http2 = forms.BooleanField(
        label=_("HTTP/2 to the backends"), required=False, help_text=_("As gRPC needs it; without TLS in clear.")
    )

    def clean_mode(self) -> str:
        return str(self.cleaned_data["mode"] or self.initial.get("mode") or Mode.HTTP.value)

    def __init__(self, *args: Any, but: Pool | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Pool.objects.exclude(pk=but.pk if but else "").order_by("name", "pk")
        self.fields["backup_pool"].choices = [("", _("None")), *((pool.pk, pool.name) for pool in others)]  # type: ignore[attr-defined]

    def clean_backup_pool(self) -> str | None:
        return self.cleaned_data["backup_pool"] or None

    @classmethod
    def start(cls, pool: Pool | None = None) -> dict[str, Any]:
        source = pool or Pool()
        found = {name: getattr(source, name) for name in cls.base_fields if name != "backup_pool"}
        return found | {"backup_pool": source.backup_pool_id or ""}
