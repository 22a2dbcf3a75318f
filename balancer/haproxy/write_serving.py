"""How a pool serves, as plain values: only what is set."""

from typing import Any

from .serving import PLAIN, Serving, Sticky, Tls


def write_serving(serving: Serving) -> dict[str, Any]:
    """Empty where nothing is set."""
    if serving == PLAIN:
        return {}
    plain = {
        name: getattr(serving, name)
        for name in ("hash_header", "fallback", "max_connections", "max_queue", "slow_start_ms", "error_limit", "h2")
        if getattr(serving, name)
    }
    sticky = {"sticky": _sticky(serving.sticky)} if serving.sticky != PLAIN.sticky else {}
    retry_on = {"retry_on": [one.value for one in serving.retry_on]} if serving.retry_on else {}
    tls = {"tls": _tls(serving.tls)} if serving.tls is not None else {}
    proxy = serving.proxy_protocol
    told = {"proxy_protocol": proxy.value} if proxy is not PLAIN.proxy_protocol else {}
    return {**plain, **sticky, **retry_on, **tls, **told}


def _sticky(sticky: Sticky) -> dict[str, Any]:
    return {
        "type": sticky.type.value,
        "cookie_name": sticky.cookie_name,
        "ttl_s": sticky.ttl_s,
        "key": sticky.key,
    }


def _tls(tls: Tls) -> dict[str, Any]:
    return {"verify": tls.verify, "ca": tls.ca, "sni": tls.sni, "certificate": tls.certificate}
