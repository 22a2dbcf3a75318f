"""The forms of the limits of clients, and of the headers of answers."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from balancer.haproxy.protection import ContentTypeOptions, FrameOptions, Hsts, PermissionsPolicy, ReferrerPolicy
from balancer.models import RateLimit, SecurityHeaders
from balancer.services.protection import MOST_RPS
from tenants.console.formwork import ConsoleForm

STATUSES = [
    (429, _("429 Too Many Requests, with Retry-After")),
    (403, _("403 Forbidden")),
    (503, _("503 Service Unavailable")),
]
NO_HEADER = _("Off: what the origin says")
HSTS = [
    (Hsts.OFF, NO_HEADER),
    (Hsts.DAY, _("One day, to try it")),
    (Hsts.YEAR, _("One year")),
    (Hsts.YEAR_SUBDOMAINS, _("One year, with all subdomains")),
    (Hsts.PRELOAD, _("Two years, with all subdomains, ready for browsers' preload lists")),
]
CONTENT_TYPE = [(ContentTypeOptions.OFF, NO_HEADER), (ContentTypeOptions.NOSNIFF, "nosniff")]
FRAMES = [
    (FrameOptions.OFF, NO_HEADER),
    (FrameOptions.DENY, _("DENY: in no frame")),
    (FrameOptions.SAMEORIGIN, _("SAMEORIGIN: in frames of the same site")),
]
REFERRER = [
    (choice, NO_HEADER if choice is ReferrerPolicy.OFF else choice.value) for choice in ReferrerPolicy
]  # HTTP's own words, which no language has others for
PERMISSIONS = [
    (PermissionsPolicy.OFF, NO_HEADER),
    (PermissionsPolicy.DEVICES, _("No camera, microphone or location")),
    (PermissionsPolicy.STRICT, _("None of the browser's devices, payments, sensors or full screen")),
]


class NetworksField(forms.CharField):
    """One on each line, or with commas between; the value is a list."""

    def __init__(self, **more: Any) -> None:
        attrs = {"class": "mono", "rows": 5, "placeholder": "203.0.113.0/24\n2001:db8::/32", "spellcheck": "false"}
        super().__init__(required=False, max_length=10_000, widget=forms.Textarea(attrs=attrs), **more)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        return [line.strip() for line in text.replace(",", "\n").splitlines() if line.strip()]

    def run_validators(self, value: Any) -> None:
        """The length is of what was typed."""
        super().run_validators("\n".join(value))

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


def choice(label: Any, choices: list[tuple[Any, Any]], help_text: Any = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, help_text=help_text)


class RateLimitForm(ConsoleForm):
    pointers: ClassVar[dict[str, str]] = {
        f"/per_address/{name}": name for name in ("requests_per_second", "burst", "status")
    }
    requests_per_second = forms.IntegerField(
        label=_("Requests per second"),
        min_value=1,
        max_value=MOST_RPS,
        required=False,
        help_text=_("Of one address, on average. Empty: no limit of its own."),
    )
    burst = forms.IntegerField(
        label=_("Burst"), min_value=1, required=False, help_text=_("How many at once. Empty: a second's worth.")
    )
    status = forms.TypedChoiceField(label=_("Answer beyond it"), choices=STATUSES, coerce=int)
    allowed_networks = NetworksField(
        label=_("Allowed networks"),
        help_text=_("Not counted: your office, your monitoring. Addresses or networks, one on each line, 50 at most."),
    )
    trusted_proxies = NetworksField(
        label=_("Trusted proxies"),
        help_text=_(
            "Your CDN's networks, where one stands in front. Only from there X-Forwarded-For is read: its right-most "
            "address that is none of these is the client, for the limits, the log and your origin."
        ),
    )

    @classmethod
    def start(cls, row: RateLimit) -> dict[str, Any]:
        return {name: getattr(row, name) for name in cls.base_fields}

    def field_of(self, pointer: str) -> str | None:
        """A network's own error stands at the field that holds all of them."""
        return super().field_of(
            "/".join(pointer.split("/")[:2]) if "networks" in pointer or "proxies" in pointer else pointer
        )


class SecurityHeadersForm(ConsoleForm):
    hsts = choice(
        "Strict-Transport-Security",
        HSTS,
        _("Browsers then come by HTTPS only, for so long; it cannot be taken back sooner. Sent over HTTPS alone."),
    )
    content_type_options = choice("X-Content-Type-Options", CONTENT_TYPE, _("Browsers do not guess what a file is."))
    frame_options = choice("X-Frame-Options", FRAMES, _("Who may show your pages within theirs."))
    referrer_policy = choice("Referrer-Policy", REFERRER, _("What other sites learn of the page that a link was on."))
    permissions_policy = choice("Permissions-Policy", PERMISSIONS, _("What your pages may ask of a browser."))

    @classmethod
    def start(cls, row: SecurityHeaders) -> dict[str, Any]:
        return {name: getattr(row, name) for name in cls.base_fields}
