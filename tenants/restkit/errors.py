"""Turn what was raised into a problem: the one place where the API does so."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from redis.exceptions import RedisError
from rest_framework import exceptions
from rest_framework.response import Response

from tenants.errors import FieldError, Refused
from tenants.restkit import problems, refusing
from tenants.restkit.parsers import TooLarge

log = structlog.get_logger(__name__)
CHALLENGE = 'Bearer realm="veloflux", Basic realm="veloflux", charset="UTF-8"'
CODES = {
    400: "malformed",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
    429: "throttled",
}


def handle(raised: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST_FRAMEWORK's EXCEPTION_HANDLER. None: a fault of ours, which goes on to the 500 page and the log."""
    response = _answer(raised)
    if response is not None and context.get("request") is not None:
        said = response.data
        refusing.note(
            context["request"]._request, status=response.status_code, code=said["code"], detail=said["detail"]
        )
    return response


def _answer(raised: Exception) -> Response | None:
    match raised:
        case Refused():
            return _refused(raised)
        case exceptions.ValidationError():
            return _invalid(raised)
        case exceptions.APIException():
            return _api(raised)
        case Http404():
            return _problem(404, "not_found", "There is nothing here.")
        case PermissionDenied():
            return _problem(403, "forbidden", str(raised) or "This is not allowed.")
        case RequestDataTooBig():  # what has to be read whole, Django measures first
            return _refused(TooLarge())
        case IntegrityError():
            log.info("conflict", error=str(raised))
            return _problem(409, "conflict", "Another change got there first. Look again, then repeat yours.")
        case DataError():
            return _problem(422, "invalid", "A value is out of range.")
        case OperationalError() | InterfaceError() | RedisError():
            log.warning("unavailable", error=str(raised))
            return _problem(503, "unavailable", problems.UNAVAILABLE, {"retry_after": problems.RETRY_SECONDS})
    return None


def _refused(refused: Refused) -> Response:
    return _problem(refused.status, refused.code, refused.detail, refused.extra, refused.errors)


def _invalid(raised: exceptions.ValidationError) -> Response:
    errors = tuple(islice(flatten(raised.detail), problems.MOST_ERRORS))
    names = ", ".join(dict.fromkeys(error.pointer or "the body" for error in errors))
    return _problem(422, "invalid", f"Not accepted: {names}.", errors=errors)


def _api(raised: exceptions.APIException) -> Response:
    status = raised.status_code
    extra: dict[str, object] = {}
    wait = getattr(raised, "wait", None)  # of `Throttled`, seconds
    if wait is not None:
        extra["retry_after"] = int(wait) + 1
    code = CODES.get(status, "error")
    if status == 403 and "CSRF" in str(raised.detail):
        code = "csrf_failed"
    return _problem(status, code, str(raised.detail), extra)


def flatten(detail: Any, pointer: str = "") -> Iterator[FieldError]:
    """DRF's nested errors as a flat list with JSON pointers (RFC 6901) into what was sent."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from flatten(inner, _below(pointer, str(name)))
    elif isinstance(detail, list) and not all(isinstance(item, str) for item in detail):
        for index, inner in enumerate(detail):
            yield from flatten(inner, f"{pointer}/{index}")
    else:
        for item in detail if isinstance(detail, list) else [detail]:
            yield FieldError(pointer, str(getattr(item, "code", "invalid")), str(item))


def _below(pointer: str, name: str) -> str:
    if name == "non_field_errors":
        return pointer
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def _problem(
    status: int,
    code: str,
    detail: str,
    extra: Mapping[str, object] | None = None,
    errors: tuple[FieldError, ...] = (),
) -> Response:
    headers = {}
    extra = dict(extra or {})
    if status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    if "retry_after" in extra:
        headers["Retry-After"] = str(extra["retry_after"])
    content = problems.body(status, code, detail, errors, extra)
    return Response(content, status=status, headers=headers, content_type=problems.MEDIA_TYPE)
