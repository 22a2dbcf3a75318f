"""Every list asks the database the same number of times for one row and for many."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from balancer.models import Pool
from tenants.scope import tenant_scope
from tests import build
from tests.conftest import World
from tests.db.restkit.routes import Endpoint, endpoints, ids_for

LISTS = [e for e in endpoints() if e.action == "list" and e.mount.basename in build.OBJECTS]
# Who asks (user, membership), the count and the page; then what the resource itself needs.
WHO = 2
PINNED = {
    "pools": WHO + 2,
    "backends": WHO + 2,
    "pool-backends": WHO + 3,
    "routes": WHO + 2,
    "listeners": WHO + 2,
    "deployments": WHO + 2,
    "revisions": WHO + 2,
    "changes": WHO + 2,
    "imports": WHO + 3,
    "domains": WHO + 2,
    "keys": WHO + 2,
    "audit": WHO + 2,
    "users": WHO + 2,
    "invitations": WHO + 2,
}
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("endpoint", LISTS, ids=lambda endpoint: endpoint.name)
def test_a_list_has_a_pinned_number_of_queries(world: World, endpoint: Endpoint) -> None:
    name = endpoint.mount.basename
    ids = ids_for(world.ours, endpoint)
    client = build.api(world.owner, world.ours)

    def asked() -> list[str]:
        client.get(endpoint.own(ids))  # the tenant is remembered now
        with CaptureQueriesContext(connection) as queries:
            assert client.get(endpoint.own(ids)).status_code == 200
        return [query["sql"] for query in queries if "set_config" not in query["sql"]]

    make(name, world, ids)
    few = asked()
    for _ in range(5):
        make(name, world, ids)
    many = asked()
    assert len(many) == len(few), "\n".join(many)
    assert len(many) == PINNED[name], "\n".join(many)


def make(name: str, world: World, ids: dict[str, str]) -> None:
    if name == "pool-backends":
        with tenant_scope(world.ours):
            pool = Pool.objects.get(pk=ids["pool"])
        build.backend(world.ours, pool)
    else:
        build.OBJECTS[name](world.ours)
