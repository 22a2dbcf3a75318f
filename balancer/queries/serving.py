"""How a pool serves: its columns → the value."""

import hashlib
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from balancer.haproxy.desired import Algorithm
from balancer.haproxy.serving import BY_COOKIE, PLAIN, ProxyProtocol, RetryOn, Serving, Sticky, StickyType, Tls

COLUMNS = (
    "hash_header", "sticky_type", "sticky_cookie_name", "sticky_ttl_ms", "backup_pool_id",
    "max_connections", "max_queue", "slow_start_ms", "error_limit", "retry_on", "tls_enabled", "tls_verify", "tls_ca",
    "tls_sni", "tls_bundle", "proxy_protocol", "http2",
)  # fmt: skip
_NOTHING: tuple[Any, ...] = (
    "",
    "none",
    "",
    None,
    None,
    None,
    None,
    None,
    None,
    [],
    False,
    True,
    "",
    "",
    "",
    "none",
    False,
)


def of(pool_id: str, algorithm: str, values: Sequence[Any]) -> Serving:
    """Nearly all pools set none of it, and are read without looking."""
    if tuple(values) == _NOTHING:
        return PLAIN
    (header, sticky_type, cookie, ttl, fallback, most, queue, slow, errors, retry_on, tls, verify, ca, sni, bundle,
     proxy, http2) = values  # fmt: skip
    return Serving(
        hash_header=header if algorithm == Algorithm.HEADER_HASH else "",
        sticky=sticky(pool_id, StickyType(sticky_type), cookie, ttl),
        fallback=f"p{fallback}" if fallback else "",
        max_connections=most or 0,
        max_queue=queue or 0,
        slow_start_ms=slow or 0,
        error_limit=errors or 0,
        retry_on=tuple(RetryOn(one) for one in retry_on),
        tls=Tls(verify, file_name(ca), sni, bundle) if tls else None,
        proxy_protocol=ProxyProtocol(proxy),
        h2=http2,
    )


def sticky(pool_id: str, kind: StickyType, cookie: str, ttl_ms: int | None) -> Sticky:
    if kind is StickyType.NONE:
        return PLAIN.sticky
    key = secret_of(pool_id) if kind in BY_COOKIE else ""
    return Sticky(kind, cookie if kind in BY_COOKIE else "", (ttl_ms or 0) // 1000, key)


def secret_of(pool_id: str) -> str:
    """The same on every node and for as long as the pool is there; another one when the platform's key is changed:
    then clients are given a server anew."""
    key = hashlib.sha256(settings.SECRET_KEY.encode()).digest()
    return hashlib.blake2b(f"sticky {pool_id}".encode(), key=key, digest_size=16).hexdigest()


def file_name(pem: str) -> str:
    return hashlib.sha256(pem.encode()).hexdigest() if pem else ""
