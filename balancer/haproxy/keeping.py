"""Whether a request may be answered from what its route keeps, and why not: as the router's lines have it
(`render.cache`). What the pool would see of the request counts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from .desired import Route
from .routing import Edit, HeaderEdit

SHARE_COOKIE = "vf_share"  # of weighted routes: where a client was sent, and nothing else
_DRAWN = re.compile(rf"{SHARE_COOKIE}=[0-9]+")
Lines = Sequence[tuple[str, str]]  # names in lower case


class Because(StrEnum):
    METHOD = "method"
    AUTHORIZATION = "authorization"
    BODY = "body"
    RANGE = "range"
    UPGRADE = "upgrade"
    OVERRIDE = "override"
    COOKIE = "cookie"


# With one of these a request goes to the pool. The last ones make some frameworks answer for another address or method
# than the one that an answer would be kept under, and anybody can send them.
ALONE = {
    "authorization": Because.AUTHORIZATION,
    "content-length": Because.BODY,
    "transfer-encoding": Because.BODY,
    "range": Because.RANGE,
    "upgrade": Because.UPGRADE,
    "x-original-url": Because.OVERRIDE,
    "x-rewrite-url": Because.OVERRIDE,
    "x-http-method": Because.OVERRIDE,
    "x-http-method-override": Because.OVERRIDE,
    "x-method-override": Because.OVERRIDE,
    "x-host": Because.OVERRIDE,
}


@dataclass(frozen=True, slots=True)
class Kept:
    """Of a route that keeps answers. `because` "": this request's may be kept, if the answer itself allows it."""

    ttl_s: int
    because: str = ""


def kept(route: Route, method: str, headers: Lines) -> Kept | None:
    cache = route.handling.cache
    if cache is None:
        return None
    if method not in ("GET", "HEAD"):
        return Kept(cache.ttl_s, Because.METHOD)
    lines = _edited(headers, route.handling.request_headers)
    found = [because for name, because in ALONE.items() if any(name == line for line, _ in lines)]
    if found:
        return Kept(cache.ttl_s, found[0])
    cookies = [value.strip(" \t") for name, value in lines if name == "cookie"]
    drawn = len(cookies) == 1 and _DRAWN.fullmatch(cookies[0])
    return Kept(cache.ttl_s, "" if not cookies or drawn or cache.cookies else Because.COOKIE)


def _edited(headers: Lines, edits: Sequence[HeaderEdit]) -> list[tuple[str, str]]:
    lines = list(headers)
    for edit in edits:
        name = edit.name.lower()
        if edit.action is not Edit.ADD:
            lines = [line for line in lines if line[0] != name]
        if edit.action is not Edit.REMOVE:
            lines.append((name, edit.value))
    return lines
