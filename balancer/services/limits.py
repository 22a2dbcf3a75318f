"""Hold a tenant to what its plan includes. Nothing that exists is ever stopped by a count."""

from collections.abc import Callable

from django.conf import settings

from balancer.models import Backend, Route
from billing.queries import limits
from tenants import scope
from tenants.errors import LimitReached


def room_for_backends(more: int = 1) -> None:
    """Under the tenant's lock. Raise `LimitReached` (402)."""
    refuse_over("backends", limits.of(scope.required().tenant_id).backends, Backend.objects.count, more)


def room_for_routes(more: int = 1) -> None:
    refuse_over("routes", limits.of(scope.required().tenant_id).routes, Route.objects.count, more)


def refuse_over(what: str, limit: int | None, count: Callable[[], int], more: int) -> None:
    if limit is None:
        return
    used = count()
    if used + more > limit:
        raise LimitReached(
            f"Your plan includes {limit} {what}, and {used} are in use. Remove one, or choose a larger plan.",
            limit=limit,
            used=used,
            upgrade_url=f"{settings.BASE_URL}/pricing",
        )
