"""What stands before Django: who is really asking behind a proxy, and how much and how slowly they may send.

Django reads a whole body before it looks at anything else; here it is bounded while it arrives.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from django.conf import settings

from tenants.restkit.headers import always

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"forwarded")
REASONS = {
    413: ("too_large", "Content Too Large", "The body is larger than this server takes."),
    408: ("too_slow", "Request Timeout", "The body took too long to arrive."),
}


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def front(app: App) -> App:
    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = behind_proxies(scope)
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        if _length(scope) > settings.MAX_BODY_BYTES:
            await _answer(send, 413)
            return
        try:
            await app(scope, bounded(receive), send)
        except _Refused as refused:
            await _answer(send, refused.status)

    return outer


def behind_proxies(scope: Scope) -> Scope:
    """The client's address is the right-most that is no proxy of ours; the scheme, what the nearest one says.

    From anybody else these headers are hearsay, and are dropped before somebody believes them.
    """
    headers = [(name.lower(), value) for name, value in scope.get("headers", ())]
    kept = [(name, value) for name, value in headers if name not in FORWARDED]
    peer = (scope.get("client") or ("", 0))[0]
    if not _is_proxy(peer):
        return {**scope, "headers": kept}
    said = {name: b",".join(value for one, value in headers if one == name).decode("latin-1") for name in FORWARDED}
    client = _client(peer, said[b"x-forwarded-for"])
    found = {**scope, "headers": kept, "client": (client, 0)}
    proto = said[b"x-forwarded-proto"].rpartition(",")[2].strip().lower()
    if proto in ("http", "https"):
        found["scheme"] = proto.replace("http", "ws") if scope["type"] == "websocket" else proto
    return found


def _client(peer: str, forwarded: str) -> str:
    """What is no address is where belief ends."""
    client = peer
    for said in reversed([part.strip() for part in forwarded.split(",")]):
        address = _address(said)
        if address is None:
            break
        client = str(address)
        if not _is_proxy(client):
            break
    return client


def _is_proxy(text: str) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in settings.TRUSTED_PROXIES)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """With a port, as some proxies write it, or without."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _length(scope: Scope) -> int:
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(said) if said.isdigit() else 0


def bounded(receive: Receive) -> Receive:
    """Until the body is whole; what comes after it (the client's going) may take its time."""
    left, whole = settings.MAX_BODY_BYTES, False
    until = asyncio.get_running_loop().time() + settings.BODY_SECONDS

    async def inner() -> dict[str, Any]:
        nonlocal left, whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise _Refused(408) from None
        left -= len(message.get("body", b""))
        if left < 0:
            raise _Refused(413)
        whole = not message.get("more_body", False)
        return message

    return inner


async def _answer(send: Send, status: int) -> None:
    code, title, detail = REASONS[status]
    body = {"type": f"urn:veloflux:problem:{code}", "title": title, "status": status, "detail": detail}
    content = json.dumps({**body, "code": code, "request_id": "", "errors": []}).encode()
    headers = {**always(), "Content-Type": "application/problem+json", "Connection": "close"}
    headers |= {"Content-Length": str(len(content)), "Cache-Control": "no-store"}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content})
