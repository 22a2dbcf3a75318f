"""Hold a tenant to what its plan includes. Nothing that exists is ever stopped by a count."""

from balancer.models import Backend, Listener, Route
from billing.queries import limits
from tenants import scope
from tenants.services.tenancy.limits import refuse_over


def room_for_backends(more: int = 1) -> None:
    """Under the tenant's lock. Raise `LimitReached` (402)."""
    refuse_over("backends", limits.of(scope.required().tenant_id).backends, Backend.objects.count, more)


def room_for_routes(more: int = 1) -> None:
    refuse_over("routes", limits.of(scope.required().tenant_id).routes, Route.objects.count, more)


def room_for_listeners(more: int = 1) -> None:
    refuse_over("listeners", limits.of(scope.required().tenant_id).listeners, Listener.objects.count, more)


def room_for_caches(more: int = 1) -> None:
    cached = Route.objects.filter(cache__isnull=False)
    refuse_over("caches", limits.of(scope.required().tenant_id).caches, cached.count, more)
