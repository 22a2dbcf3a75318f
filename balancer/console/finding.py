"""Rows by the ids in a page's address; what is another tenant's is not there to be found."""

from django.shortcuts import get_object_or_404

from balancer.models import Backend, Pool, Route


def pool_of(pool_id: str) -> Pool:
    return get_object_or_404(Pool, pk=pool_id)


def backend_of(backend_id: str) -> Backend:
    return get_object_or_404(Backend.objects.select_related("pool"), pk=backend_id)


def route_of(route_id: str) -> Route:
    return get_object_or_404(Route.objects.select_related("pool"), pk=route_id)
