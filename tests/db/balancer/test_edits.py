"""Every write of the API leaves an edit: read from the router, so that a new one is covered by existing."""

from typing import Any

import pytest

from balancer.api.changes import ChangeViewSet
from balancer.fleet.models import Edit
from balancer.models import Backend, Route
from tenants.scope import tenant_scope
from tests import build
from tests.conftest import World
from tests.db.restkit.routes import Endpoint, endpoints, ids_for

pytestmark = pytest.mark.django_db
# These leave an edit for each of many, or ask and write nothing: their own tests look at it.
OTHERS = frozenset({"drain_many", "replace_all", "test"})
WRITES = [
    one
    for one in endpoints()
    if one.is_write and issubclass(one.mount.viewset, ChangeViewSet) and one.action not in OTHERS
]
CHANGES: dict[str, dict[str, Any]] = {
    "pools": {"name": "new name"},
    "backends": {"address": "10.9.9.9:80", "weight": 7},
    "pool-backends": {"address": "10.9.9.9:80", "weight": 7},
    "routes": {"host": "new.test"},
    "listeners": {"description": "a new one"},
}
ACTS: dict[str, dict[str, Any]] = {
    "drain": {"force": True}, "maintain": {"force": True}, "ready": {}, "weight": {"weight": 3}, "destroy": {},
    "purge_cache": {},
}  # fmt: skip


def body_for(world: World, endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.action in ACTS:
        return ACTS[endpoint.action]
    body = CHANGES[endpoint.mount.basename]
    if endpoint.action == "partial_update" or endpoint.mount.basename in ("pools", "pool-backends"):
        return body
    if endpoint.mount.basename == "listeners":
        return {**body, "kind": "tcp", "pool": build.tcp_pool(world.ours).pk}
    return {**body, "pool": build.pool(world.ours).pk}


@pytest.mark.parametrize("endpoint", WRITES, ids=lambda endpoint: endpoint.name)
def test_every_write_leaves_an_edit_that_says_who_and_what(world: World, endpoint: Endpoint) -> None:
    ids = ids_for(world.ours, endpoint)
    if endpoint.mount.basename == "pool-backends" and endpoint.has_ids:
        backend = build.backend(world.ours)
        ids = {"pool": backend.pool_id, "pool-backends": backend.pk}
    body = body_for(world, endpoint)
    if endpoint.action == "update" and endpoint.mount.basename == "backends":
        with tenant_scope(world.ours):
            body["pool"] = Backend.objects.get(pk=ids["backends"]).pool_id
    with tenant_scope(world.ours):
        Route.objects.update(cache={"ttl_s": 60, "max_object": 65536, "cookies": False})
        before = set(Edit.objects.values_list("pk", flat=True))
    response = build.api(world.owner, world.ours)(endpoint.method.upper(), endpoint.own(ids), body)
    assert response.status_code in (200, 201), response.content
    with tenant_scope(world.ours):
        (edit,) = Edit.objects.exclude(pk__in=before)
    assert (edit.by_id, edit.through) == (world.owner.pk, "jwt")
    assert str(edit.pk) == response.json()["change"]["edit"]
    assert edit.object_id == response.json()["id"]
