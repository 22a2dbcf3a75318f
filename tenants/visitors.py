"""Where a request comes from, as it says itself and as the connection says; and the id that follows it."""

import ipaddress
import re

import structlog
from django.http import HttpRequest

LAST_SSO = "last_sso"  # cookie: the tenant whose provider signed this browser in last
PRINTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def network_of(address: str) -> str:
    """To count by: who has one IPv6 address has 2^64 of them."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return address
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))


def agent_of(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")[:200]


def request_id() -> str:
    """The current request's, or "" outside of one. A client may have chosen it, so it is checked before it is kept."""
    value = structlog.contextvars.get_contextvars().get("request_id", "")
    return value if isinstance(value, str) and PRINTABLE.fullmatch(value) else ""
