"""Write down who was refused what, but never more than somebody who wants to fill the trail would like.

Each caller gets `EACH` entries a minute and one that says that there were more; all callers whom nobody knows get
`UNKNOWN` together. Counted in Redis, for all processes.
"""

import hashlib
import ipaddress
from contextlib import suppress
from datetime import datetime

from django.core.cache import cache

from tenants.actor import Actor
from tenants.models import Outcome, Tenant
from tenants.services.trail import audit

EACH, UNKNOWN, SECONDS = 10, 120, 60
MORE = "More refusals of this caller in this minute are not written down."
MORE_UNKNOWN = "More refusals of unknown callers in this minute are not written down."
# A wrong password is written by who looks at passwords (`services.passwords`).
WRITTEN_ELSEWHERE = frozenset({"wrong_credentials", "locked_out"})


def note(what: str, *, code: str, detail: str, by: Actor, tenant: Tenant | None, now: datetime) -> None:
    """`what` is method and path. A refusal of somebody unknown is the platform's: no tenant's trail is filled from
    outside."""
    if code in WRITTEN_ELSEWHERE:
        return
    known = by.user_id is not None
    here = tenant if known else None
    place = _count(f"{by.user_id}|{by.through}" if known else _network(by.address))
    if place > EACH + 1:
        return
    if place == EACH + 1:
        detail = MORE
    if not known:
        place = _count("unknown")
        if place > UNKNOWN + 1:
            return
        if place == UNKNOWN + 1:
            detail = MORE_UNKNOWN
    audit.record(
        "request.refuse", by=by, now=now, tenant=here, name=what, outcome=Outcome.REFUSED, detail=f"{code}: {detail}"
    )


def _count(caller: str) -> int:
    key = f"refusals:{hashlib.sha256(caller.encode()).hexdigest()}"
    cache.add(key, 0, SECONDS)
    try:
        return cache.incr(key)
    except ValueError:  # it ran out between the two
        return 1


def _network(address: str) -> str:
    """Who has one IPv6 address has 2^64 of them."""
    with suppress(ValueError):
        ip = ipaddress.ip_address(address)
        if isinstance(ip, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((ip, 64), strict=False))
    return address
