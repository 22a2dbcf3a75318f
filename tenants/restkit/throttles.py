"""Who asks too often: one class for each kind of endpoint, counted for all processes together.

A view names its class in `throttle_class_name` (and an action of a view set, or a method of a page, its own in
`throttle_class_names`): `auth` and `login` are counted by address, `api` by tenant and plan, `expensive` by tenant; ""
is not counted. What names none is `api`; a page is not counted; what somebody sends who is not signed in yet, to a page
or to `/auth/`, is `auth`.

Without Redis, `api` and `expensive` are let through: configuration must go on while it restarts. What guesses at
credentials is not: it is a 503.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from redis.exceptions import RedisError

from tenants.restkit import access, problems, refusing
from tenants.services import rates
from tenants.services.rates import Counted
from tenants.visitors import network_of

log = structlog.get_logger(__name__)
LOOPBACK = frozenset({"127.0.0.1", "::1"})
ASKING_IN = re.compile(r"/(api/)?auth/")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
DETAIL = "Too many requests. Wait for as long as Retry-After says, then go on."
Next = Callable[[HttpRequest], HttpResponse]


class Class(StrEnum):
    LOGIN = "login"
    AUTH = "auth"
    API = "api"
    EXPENSIVE = "expensive"


# A minute; `settings.THROTTLES` (VELOFLUX_THROTTLES) has others, 0 counts nothing.
LIMITS = {Class.LOGIN: 20, Class.AUTH: 20, Class.API: 600, Class.EXPENSIVE: 10}
DEMO_LIMIT = 100  # of login and auth, for loopback
CREDENTIALS = frozenset({Class.LOGIN, Class.AUTH})


@dataclass(frozen=True, slots=True)
class Bucket:
    name: Class
    who: str
    limit: int


class ThrottleMiddleware:
    """After the tenant is known."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        counted = getattr(request, "counted", None)
        if isinstance(counted, Counted):
            _tell(response, counted)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        bucket = bucket_of(request, class_of(request, view))
        if bucket is None:
            return None
        try:
            counted = rates.count(bucket.name, bucket.who, limit=bucket.limit)
        except RedisError as error:
            log.warning("not_counted", throttle=bucket.name, error=str(error))
            return problems.unavailable() if bucket.name in CREDENTIALS else None
        request.counted = counted  # type: ignore[attr-defined]
        return None if counted.allowed else _refusal(request, counted)


def class_of(request: HttpRequest, view: Callable[..., Any]) -> Class | None:
    """Of the view that a route leads to."""
    kind = getattr(view, "cls", None) or getattr(view, "view_class", None) or view
    method = (request.method or "").lower()
    action = getattr(view, "actions", {}).get(method, method)
    named = getattr(kind, "throttle_class_names", {}).get(action, getattr(kind, "throttle_class_name", None))
    if named is not None:
        return Class(named) if named else None
    asks_in = request.method not in SAFE and (ASKING_IN.match(request.path_info) or not problems.is_api(request))
    if asks_in and access.of(request).caller is None:
        return Class.AUTH
    return Class.API if hasattr(view, "cls") else None


def bucket_of(request: HttpRequest, name: Class | None) -> Bucket | None:
    if name is None:
        return None
    address, found = access.address_of(request), access.of(request)
    limit = int(settings.THROTTLES.get(name, LIMITS[name]))
    if name in CREDENTIALS:
        if settings.DEMO and address in LOOPBACK and name not in settings.THROTTLES:
            limit = DEMO_LIMIT
        return Bucket(name, network_of(address), limit) if limit else None
    if found.tenant is not None and name is Class.API and name not in settings.THROTTLES:
        limit = _of_plan(found.tenant.pk)
    if not limit:
        return None
    if found.tenant is not None:
        return Bucket(name, f"tenant:{found.tenant.pk}", limit)
    return Bucket(name, found.caller.key if found.caller is not None else network_of(address), limit)


def _of_plan(tenant_id: str) -> int:
    """Of whoever knows plans (`settings.TENANT_API_RATE`)."""
    asked: Callable[[str], int | None] = import_string(settings.TENANT_API_RATE)
    return asked(tenant_id) or LIMITS[Class.API]


def _refusal(request: HttpRequest, counted: Counted) -> HttpResponse:
    refusing.note(request, status=429, code="throttled", detail=DETAIL)
    if problems.is_api(request):
        response = problems.answer(429, "throttled", DETAIL, {"retry_after": counted.seconds})
    else:
        page: Callable[[HttpRequest], HttpResponse] = import_string(settings.THROTTLED_PAGE)
        response = page(request)
    response.headers["Retry-After"] = str(counted.seconds)
    return response


def _tell(response: HttpResponse, counted: Counted) -> None:
    for name, value in (("Limit", counted.limit), ("Remaining", counted.left), ("Reset", counted.seconds)):
        response.headers[f"RateLimit-{name}"] = str(value)
