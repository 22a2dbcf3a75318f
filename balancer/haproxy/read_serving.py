"""JSON to how a pool serves, field by field."""

import re

from .codec_fields import BadState, Fields
from .serving import BY_COOKIE, PLAIN, SECRET, ProxyProtocol, RetryOn, Serving, Sticky, StickyType, Tls
from .text import Unprintable, cookie_name, host, name

DAY_S = 86_400
HOUR_MS = 3_600_000
MANY = 1_000_000_000
_FILE = re.compile(r"[0-9a-f]{64}")


def read_serving(value: object, at: str) -> Serving:
    fields = Fields(value, at)
    serving = Serving(
        hash_header=_optional(fields, "hash_header"),
        sticky=_sticky(fields.take("sticky"), fields.where("sticky")) if fields.has("sticky") else PLAIN.sticky,
        fallback=fields.key("fallback") if fields.has("fallback") else "",
        max_connections=_count(fields, "max_connections", MANY),
        max_queue=_count(fields, "max_queue", MANY),
        slow_start_ms=_count(fields, "slow_start_ms", HOUR_MS),
        error_limit=_count(fields, "error_limit", 10_000),
        retry_on=fields.each("retry_on", _kind) if fields.has("retry_on") else (),
        tls=_tls(fields.take("tls"), fields.where("tls")) if fields.has("tls") else None,
        proxy_protocol=fields.choice("proxy_protocol", ProxyProtocol)
        if fields.has("proxy_protocol")
        else PLAIN.proxy_protocol,
        h2=fields.yes_or_no("h2") if fields.has("h2") else False,
    )
    fields.done()
    return serving


def _optional(fields: Fields, field: str) -> str:
    return fields.checked(field, fields.text(field), name) if fields.has(field) else ""


def _count(fields: Fields, field: str, most: int) -> int:
    return fields.whole(field, 0, most) if fields.has(field) else 0


def _kind(value: object, at: str) -> RetryOn:
    return Fields({"kind": value}, at).choice("kind", RetryOn)


def _sticky(value: object, at: str) -> Sticky:
    fields = Fields(value, at)
    sticky = Sticky(
        type=fields.choice("type", StickyType),
        cookie_name=fields.text("cookie_name"),
        ttl_s=fields.whole("ttl_s", 0, 365 * DAY_S),
        key=fields.text("key"),
    )
    if sticky.key and SECRET.fullmatch(sticky.key) is None:
        raise BadState(fields.where("key"), "not a secret in hex")
    if sticky.type in BY_COOKIE and not sticky.key:
        raise BadState(fields.where("key"), "missing")
    if sticky.cookie_name:
        fields.checked("cookie_name", sticky.cookie_name, cookie_name)
    elif sticky.type is StickyType.APP_COOKIE:
        raise BadState(fields.where("cookie_name"), "missing")
    fields.done()
    return sticky


def _tls(value: object, at: str) -> Tls:
    fields = Fields(value, at)
    tls = Tls(
        verify=fields.yes_or_no("verify"),
        ca=_file(fields, "ca"),
        sni=fields.text("sni"),
        certificate=_file(fields, "certificate"),
    )
    if tls.sni:
        fields.checked("sni", tls.sni, _one_host)
    fields.done()
    return tls


def _one_host(value: str) -> str:
    if value.startswith("*"):
        raise Unprintable("not the name of one host")
    return host(value)


def _file(fields: Fields, field: str) -> str:
    value = fields.text(field)
    if value and _FILE.fullmatch(value) is None:
        raise BadState(fields.where(field), "not the name of a file")
    return value
