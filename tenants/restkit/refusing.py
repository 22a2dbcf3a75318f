"""Have a refusal written down: what the API's errors and the console's error pages both call."""

import structlog
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils import timezone
from redis.exceptions import RedisError

from tenants.actor import Actor
from tenants.restkit import access
from tenants.restkit.request_ids import request_id
from tenants.services.trail import refusals

log = structlog.get_logger(__name__)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
WRITTEN = frozenset({401, 403, 429})


def note(request: HttpRequest, *, status: int, code: str, detail: str) -> None:
    """Of who wanted to change something. What cannot be written down is refused all the same, and logged."""
    if request.method in SAFE or status not in WRITTEN:
        return
    found = access.of(request)
    what = f"{request.method} {request.path_info}"
    try:
        refusals.note(what, code=code, detail=detail, by=_who(request, found), tenant=found.tenant, now=timezone.now())
    except (DatabaseError, RedisError) as error:
        log.warning("refusal_not_written", what=what, code=code, error=str(error))


def _who(request: HttpRequest, found: access.Access) -> Actor:
    address = access.address_of(request)
    if found.caller is not None:
        return found.actor(address)
    return Actor(None, through="nobody", request_id=request_id(), address=address)
