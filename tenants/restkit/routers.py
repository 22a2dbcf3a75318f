"""Mount a resource twice: for the credential's own tenant, and for the one that the path names.

    urlpatterns = [*tenant_urls("pools", PoolViewSet), *tenant_urls(rf"pools/(?P<pool>{ID})/backends", PoolBackends)]

The patterns start at the root (`api/…`); the roof includes them there. What is mounted is remembered: tests read
`MOUNTED`, so a new endpoint is covered by existing.
"""

from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver
from rest_framework.routers import Route, SimpleRouter
from rest_framework.viewsets import ViewSetMixin

from tenants.restkit.viewsets import ID

TENANT = "(?P<tenant>[a-z0-9-]{1,40})"
__all__ = ["ID", "MOUNTED", "Mount", "tenant_urls", "urls"]


@dataclass(frozen=True, slots=True)
class Mount:
    prefix: str
    viewset: type[ViewSetMixin]
    basename: str
    of_tenant: bool


MOUNTED: list[Mount] = []


# What there is one of: GET `show`, PUT `replace`, DELETE `clear`, without an id.
ONE = Route(
    "^{prefix}{trailing_slash}$", {"get": "show", "put": "replace", "delete": "clear"}, "{basename}-one", False, {}
)

# The list, and where a resource has it: PUT `replace_all`, for all of it at once.
LIST = Route(
    "^{prefix}{trailing_slash}$",
    {"get": "list", "post": "create", "put": "replace_all"},
    "{basename}-list",
    False,
    {"suffix": "List"},
)


class Router(SimpleRouter):
    """No trailing slash is required; one is tolerated."""

    routes = [ONE, LIST, *SimpleRouter.routes[1:]]

    def __init__(self) -> None:
        super().__init__(trailing_slash=False)
        self.trailing_slash = "/?"


def tenant_urls(
    prefix: str, viewset: type[ViewSetMixin], basename: str | None = None
) -> list[URLPattern | URLResolver]:
    """`viewset`'s actions under `/api/<prefix>` and `/api/tenants/{tenant}/<prefix>`, the same names for both."""
    name = basename or prefix.rpartition("/")[2]
    MOUNTED.append(Mount(prefix, viewset, name, of_tenant=True))
    return [*_patterns(f"api/{prefix}", viewset, name), *_patterns(f"api/tenants/{TENANT}/{prefix}", viewset, name)]


def urls(prefix: str, viewset: type[ViewSetMixin], basename: str | None = None) -> list[URLPattern | URLResolver]:
    """Once, under `/api/<prefix>`: for what belongs to a person or to the platform."""
    name = basename or prefix.rpartition("/")[2]
    MOUNTED.append(Mount(prefix, viewset, name, of_tenant=False))
    return _patterns(f"api/{prefix}", viewset, name)


def _patterns(prefix: str, viewset: type[Any], name: str) -> list[URLPattern | URLResolver]:
    router = Router()
    router.register(prefix, viewset, basename=name)
    return list(router.urls)
