"""Every endpoint that the kit has mounted, read from its router: a new one is covered by existing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import get_resolver
from rest_framework.routers import Route

from tenants.models import Tenant
from tenants.restkit.routers import MOUNTED, Mount, Router
from tests import build

WRITES = frozenset({"post", "put", "patch", "delete"})
NESTED = re.compile(r"\(\?P<(\w+)>[^)]*\)")
NO_ONE = "a" * 12  # an id that nothing has


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`path` is relative to `/api/`, with `{name}` where an id belongs."""

    mount: Mount
    method: str
    action: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def is_write(self) -> bool:
        return self.method in WRITES

    @property
    def has_ids(self) -> bool:
        return "{" in self.path

    def own(self, ids: dict[str, str]) -> str:
        return "/api/" + fill(self.path, ids)

    def of(self, tenant: Tenant, ids: dict[str, str]) -> str:
        return f"/api/tenants/{tenant.slug}/" + fill(self.path, ids)


def fill(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{([\w-]+)\}", lambda match: ids.get(match[1], NO_ONE), path)


def endpoints() -> list[Endpoint]:
    """Of every tenant mount, each method once."""
    get_resolver().url_patterns  # noqa: B018 - importing the URLs is what mounts
    return [endpoint for mount in MOUNTED if mount.of_tenant for endpoint in _of(mount)]


def _of(mount: Mount) -> Iterator[Endpoint]:
    router = Router()
    lookup = router.get_lookup_regex(mount.viewset)
    for route in router.get_routes(mount.viewset):
        assert isinstance(route, Route)
        for method, action in router.get_method_map(mount.viewset, route.mapping).items():
            pattern = route.url.format(prefix=mount.prefix, lookup=lookup, trailing_slash="")
            path = NESTED.sub(r"{\1}", pattern).replace("{pk}", "{" + mount.basename + "}")
            yield Endpoint(mount, method, action, path.strip("^$"))


PLURALS = {"pool": "pools"}  # what stands for an id within a prefix → whose object it is


def ids_for(tenant: Tenant, endpoint: Endpoint) -> dict[str, str]:
    """A real object of that tenant for each id in the path. A resource that `build.OBJECTS` cannot make fails here."""
    names = re.findall(r"\{(\w[\w-]*)\}", endpoint.path)
    made = {name: build.OBJECTS[PLURALS.get(name, name)](tenant) for name in names}
    if "pool-backends" in made:
        made["pool"] = made["pool-backends"].pool  # the one within whose path it is
    return {name: str(getattr(one, "number", one.pk)) for name, one in made.items()}  # a revision goes by its number
