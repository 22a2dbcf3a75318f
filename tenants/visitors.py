"""Where a request comes from, as it says itself and as the connection says."""

from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def agent_of(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")[:200]
