"""Routes that do more than lead to a pool travel as the others do: in bulk, in documents, and back by a rollback."""

import json
from typing import Any

import pytest

from balancer.models import Pool, Route
from balancer.queries import objects
from tenants.scope import tenant_scope
from tests import build
from tests.db.changes.conftest import Fleet


def rich(one: str, other: str) -> list[dict[str, Any]]:
    conditions = [{"type": "header", "name": "X-Beta", "op": "equals", "value": "1"}]
    shared = {"type": "weighted", "pools": [{"pool": one, "weight": 90}, {"pool": other, "weight": 10}]}
    return [
        {"host": "a.test", "action": shared, "cache": {"ttl": "60s"}},
        {
            "host": "a.test",
            "pool": one,
            "conditions": conditions,
            "priority": 5,
            "timeout": "9s",
            "compression": True,
        },
        {"host": "a.test", "pool": other, "conditions": [{**conditions[0], "value": "2"}]},
        {
            "host": "a.test",
            "path_prefix": "/old",
            "action": {"type": "redirect", "url": "https://x.test/?a=1&b=2", "code": 301},
        },
    ]


@pytest.fixture
def site(fleet: Fleet) -> Fleet:
    one, other = build.pool(fleet.tenant, name="one"), build.pool(fleet.tenant, name="other")
    operations = [{"action": "add", "data": data} for data in rich(one.pk, other.pk)]
    done = fleet.post("bulk/routes", {"operations": operations})
    assert [result["status"] for result in done["results"]] == ["created"] * 4
    return fleet


def rows(fleet: Fleet) -> Any:
    with tenant_scope(fleet.tenant):
        return objects.current()


def exported(fleet: Fleet) -> Any:
    return fleet.get("config/export?format=json")


def test_a_document_names_their_pools_and_brings_them_back(site: Fleet) -> None:
    first = exported(site)
    shared = next(route for route in first["routes"] if route["action"]["type"] == "weighted")
    assert [share["pool"] for share in shared["action"]["pools"]] == ["one", "other"]
    with tenant_scope(site.tenant):
        Route.objects.all().delete()
        for pool in Pool.objects.all():
            pool.delete()
    site.post("config/import?mode=replace", first)
    assert exported(site) == first
    again = site.post("config/import?mode=replace", first)
    assert again["counts"]["route"]["unchanged"] == 4


def test_a_rollback_brings_them_back(site: Fleet) -> None:
    site.cut()
    before, state = rows(site), site.newest().state
    ids = [row["id"] for row in site.get("routes")["items"]]
    site.post("bulk/routes", {"operations": [{"action": "delete", "id": pk} for pk in ids]})
    site.cut()
    site.post("revisions/1/rollback")
    assert rows(site) == before
    assert site.newest().state == state


def test_the_same_host_and_path_twice_is_refused_and_with_conditions_it_is_not(site: Fleet) -> None:
    with tenant_scope(site.tenant):
        pool = Pool.objects.get(name="one")
    twice = {"action": "add", "data": {"host": "a.test", "pool": pool.pk}}
    refused = site.post("bulk/routes", {"operations": [twice]}, status=409)
    assert refused["errors"][0]["code"] == "route_taken"


def test_a_pool_that_shares_in_a_route_stays(site: Fleet) -> None:
    with tenant_scope(site.tenant):
        other = Pool.objects.get(name="other")
        for route in Route.objects.filter(pool=other):
            route.delete()
    refused = site.post("bulk/pools", {"operations": [{"action": "delete", "id": other.pk}]}, status=409)
    assert refused["errors"][0]["code"] == "pool_in_use"


def test_another_action_needs_no_pool(site: Fleet) -> None:
    with tenant_scope(site.tenant):
        route = Route.objects.exclude(pool=None)[0]
    away = {"action": "update", "id": route.pk, "data": {"action": {"type": "redirect", "prefix": "https://b.test"}}}
    site.post("bulk/routes", {"operations": [away]})
    with tenant_scope(site.tenant):
        assert Route.objects.get(pk=route.pk).pool_id is None
    assert json.dumps(exported(site))
