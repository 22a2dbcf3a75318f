"""What a tenant wants its clients held to, and its answers to say: a part of `desired.Tenant`.

Every header has fixed choices, and what HAProxy says for each stands here: no text of a tenant's.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ClientRules:
    """What each client address may ask of the tenant on a node, and whose word about addresses is believed.

    `rps` 0 means no limit; `burst` 0 a second's worth; `status` is what is answered beyond it. `allowed` networks are
    not counted. From `proxies` a client's address is read in X-Forwarded-For. An IPv6 client counts by its /64.
    """

    rps: int = 0
    burst: int = 0
    status: int = 429
    allowed: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()


STATUSES = (429, 403, 503)


class Hsts(StrEnum):
    OFF = "off"
    DAY = "day"
    YEAR = "year"
    YEAR_SUBDOMAINS = "year_subdomains"
    PRELOAD = "preload"


class ContentTypeOptions(StrEnum):
    OFF = "off"
    NOSNIFF = "nosniff"


class FrameOptions(StrEnum):
    OFF = "off"
    DENY = "deny"
    SAMEORIGIN = "sameorigin"


class ReferrerPolicy(StrEnum):
    OFF = "off"
    NO_REFERRER = "no-referrer"
    SAME_ORIGIN = "same-origin"
    STRICT_ORIGIN = "strict-origin"
    STRICT_ORIGIN_WHEN_CROSS_ORIGIN = "strict-origin-when-cross-origin"


class PermissionsPolicy(StrEnum):
    OFF = "off"
    DEVICES = "devices"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class SecurityHeaders:
    hsts: Hsts = Hsts.OFF
    content_type_options: ContentTypeOptions = ContentTypeOptions.OFF
    frame_options: FrameOptions = FrameOptions.OFF
    referrer_policy: ReferrerPolicy = ReferrerPolicy.OFF
    permissions_policy: PermissionsPolicy = PermissionsPolicy.OFF

    def values(self) -> tuple[str, ...]:
        """In the order of `NAMES`; "" where there is none. Without spaces: a map's value is one word."""
        policy = POLICIES[self.permissions_policy]
        return (
            HSTS[self.hsts],
            "" if self.content_type_options is ContentTypeOptions.OFF else self.content_type_options.value,
            "" if self.frame_options is FrameOptions.OFF else self.frame_options.value.upper(),
            "" if self.referrer_policy is ReferrerPolicy.OFF else self.referrer_policy.value,
            ",".join(f"{feature}=()" for feature in policy),
        )


NAMES = (
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Permissions-Policy",
)
HSTS = {
    Hsts.OFF: "",
    Hsts.DAY: "max-age=86400",
    Hsts.YEAR: "max-age=31536000",
    Hsts.YEAR_SUBDOMAINS: "max-age=31536000;includeSubDomains",
    Hsts.PRELOAD: "max-age=63072000;includeSubDomains;preload",
}
DEVICES = ("camera", "geolocation", "microphone")
POLICIES: dict[PermissionsPolicy, tuple[str, ...]] = {
    PermissionsPolicy.OFF: (),
    PermissionsPolicy.DEVICES: DEVICES,
    PermissionsPolicy.STRICT: (
        *DEVICES, "accelerometer", "autoplay", "display-capture", "encrypted-media", "fullscreen", "gyroscope",
        "magnetometer", "midi", "payment", "picture-in-picture", "publickey-credentials-get", "screen-wake-lock",
        "usb", "xr-spatial-tracking",
    ),
}  # fmt: skip
