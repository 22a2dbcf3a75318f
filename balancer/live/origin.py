"""Which pages may open a socket: ours. A browser sends its cookies whoever opens it, and says where the page is from.

Programs send no Origin, and are let through to show their credential.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host

from tenants.restkit.headers import always

Scope = Any
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]


def origin_gate(app: Asgi) -> Asgi:
    """Refuse the handshake (403) for a foreign page."""

    async def gate(scope: Scope, receive: Any, send: Any) -> None:
        if allowed(headers_of(scope)):
            await app(scope, receive, send)
        else:
            await receive()
            await _refuse(scope, send)

    return gate


async def _refuse(scope: Scope, send: Any) -> None:
    """With the headers of every answer, where the server lets us say more than no."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 4403})
        return
    said = {**always(), "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    headers = [(name.lower().encode(), value.encode()) for name, value in said.items()]
    await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b"Not from this page."})


def allowed(headers: dict[str, str]) -> bool:
    """The same host and port as it was asked on, one we answer on; or our own base URL; or one that is trusted."""
    origin = headers.get("origin")
    if origin is None:
        return True
    if _normal(origin) in {_normal(trusted) for trusted in (settings.BASE_URL, *settings.CSRF_TRUSTED_ORIGINS)}:
        return True
    parts = urlsplit(origin)
    same = parts.scheme in ("http", "https") and parts.netloc.lower() == headers.get("host", "").lower()
    return same and validate_host((parts.hostname or "").lower(), _hosts())


def headers_of(scope: Scope) -> dict[str, str]:
    """The last of each, by lower-case name; bytes that are not ASCII are no header of ours."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _hosts() -> Iterable[str]:
    return list(settings.ALLOWED_HOSTS)


def _normal(origin: str) -> tuple[str, str]:
    parts = urlsplit(origin)
    return parts.scheme.lower(), parts.netloc.lower()
