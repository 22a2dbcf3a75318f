"""RFC 9457: what a refusal looks like on the wire."""

from collections.abc import Iterable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse

from tenants.errors import FieldError
from tenants.restkit.request_ids import request_id

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 2
MOST_ERRORS = 100  # named in one answer: a body of nothing but mistakes must not make an answer many times its size


def body(
    status: int, code: str, detail: str, errors: Iterable[FieldError] = (), extra: dict[str, object] | None = None
) -> dict[str, object]:
    """`errors` is always there: a client need not ask."""
    return {
        "type": f"urn:veloflux:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id(),
        "errors": [{"pointer": e.pointer, "code": e.code, "detail": e.detail} for e in errors],
        **(extra or {}),
    }


def answer(status: int, code: str, detail: str, extra: dict[str, object] | None = None) -> HttpResponse:
    """Where no view of the kit is: middleware, and the roof's own error pages."""
    return JsonResponse(body(status, code, detail, (), extra), status=status, content_type=MEDIA_TYPE)


def unavailable() -> HttpResponse:
    response = answer(503, "unavailable", UNAVAILABLE)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


# A database that goes while it commits may have committed: nothing may be promised here.
UNAVAILABLE = "The service is short of a part just now. Try again in a moment; look first whether a change was made."


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith(("/api/", "/auth/")) or request.path_info == "/api"
