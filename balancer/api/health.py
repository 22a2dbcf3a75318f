"""Is it alive, and can it serve? Public, cheap, plain: a load balancer asks these."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from balancer.queries import health


@never_cache
@require_safe
def healthy(request: HttpRequest) -> JsonResponse:
    """Exactly `{"status":"healthy"}`, or 503 when the database or Redis cannot be reached."""
    return _said("healthy", 200) if health.serving() else _said("unhealthy", 503)


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers; it is not asked whether anything behind it does. Restart it when this fails."""
    return _said("live", 200)


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Send it requests or not; `failing` names the parts that do not answer."""
    parts = health.parts()
    failing = [part.name for part in parts if not part.up]
    body: dict[str, object] = {
        "status": "unready" if failing else "ready",
        "failing": failing,
        "parts": {part.name: {"up": part.up, "error": part.error or None} for part in parts},
    }
    return _json(body, 503 if failing else 200)


def _said(word: str, code: int) -> JsonResponse:
    return _json({"status": word}, code)


def _json(body: dict[str, object], code: int) -> JsonResponse:
    return JsonResponse(body, status=code, json_dumps_params={"separators": (",", ":")})
