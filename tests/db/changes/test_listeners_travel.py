"""Listeners, and what a tenant has one of, among many changes and in documents: a port has one owner throughout."""

from typing import Any

import pytest
from django.conf import settings

from balancer.fleet.models import Edit, PortClaim
from balancer.models import Listener
from balancer.queries import objects
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.changes.conftest import Fleet

FIRST = settings.TCP_PORTS[0]
DB = {"name": "db", "mode": "tcp", "health_check": {"type": "tcp"}}


def add(**data: Any) -> dict[str, Any]:
    return {"action": "add", "data": {"kind": "tcp", **data}}


def ports(fleet: Fleet) -> list[int]:
    """Those that it holds, which are those that its listeners have."""
    with platform_scope():
        held = sorted(PortClaim.objects.filter(tenant=fleet.tenant).values_list("port", flat=True))
    with tenant_scope(fleet.tenant):
        assert [one.port for one in Listener.objects.exclude(port=None).order_by("port")] == held
    return held


def everything(fleet: Fleet) -> Any:
    with platform_scope():
        edits = Edit.objects.count()
    with tenant_scope(fleet.tenant):
        return objects.current(), edits, ports(fleet)


def test_a_pool_and_listeners_for_it_in_one_call(fleet: Fleet) -> None:
    pool = {
        "kind": "pool",
        "action": "add",
        "ref": "db",
        "data": {"name": "db", "mode": "tcp", "health_check": {"type": "tcp"}},
    }
    ways = [
        {"kind": "listener", **add(pool="ref:db", port=FIRST + 1)},
        {"kind": "listener", **add(pool="ref:db")},
        {"kind": "listener", **add(pool="ref:db")},
    ]
    done = fleet.post("bulk", {"operations": [*ways, pool]})
    assert [one["status"] for one in done["results"]] == ["created"] * 4
    assert ports(fleet) == [FIRST, FIRST + 1, FIRST + 2]
    with tenant_scope(fleet.tenant):
        assert Listener.objects.get(pk=done["results"][0]["id"]).port == FIRST + 1


def test_a_dry_run_takes_no_port(fleet: Fleet) -> None:
    pool = build.tcp_pool(fleet.tenant)
    before = everything(fleet)
    done = fleet.post(
        "bulk/listeners", {"operations": [add(pool=pool.pk), add(pool=pool.pk, port=FIRST + 5)], "dry_run": True}
    )
    assert [one["status"] for one in done["results"]] == ["created"] * 2
    assert everything(fleet) == before


def test_anothers_port_is_refused_where_it_stands_and_nothing_is_changed(fleet: Fleet, committed: World) -> None:
    build.listener(committed.theirs, port=FIRST + 3)
    pool = build.tcp_pool(fleet.tenant)
    before = everything(fleet)
    operations = [add(pool=pool.pk, port=FIRST), add(pool=pool.pk, port=FIRST + 3), add(pool=pool.pk)]
    refused = fleet.post("bulk/listeners", {"operations": operations}, status=409)
    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [("/operations/1/data/port", "port_taken")]
    assert everything(fleet) == before
    done = fleet.post("bulk/listeners", {"operations": operations, "atomic": False})
    assert [one["status"] for one in done["results"]] == ["created", "failed", "created"]
    assert ports(fleet) == [FIRST, FIRST + 1]


def test_a_port_taken_meanwhile_is_pointed_at_too(
    fleet: Fleet, committed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.listener(committed.theirs, port=FIRST + 3)
    monkeypatch.setattr("balancer.services.ports.of_others", lambda ports: frozenset())
    pool = build.tcp_pool(fleet.tenant)
    before = everything(fleet)
    operations = [add(pool=pool.pk, port=FIRST), add(pool=pool.pk, port=FIRST + 3)]
    refused = fleet.post("bulk/listeners", {"operations": operations}, status=409)
    assert [one["pointer"] for one in refused["errors"]] == ["/operations/1/data/port"]
    assert [one["status"] for one in refused["results"]] == ["not_done", "failed"]
    assert everything(fleet) == before


def test_what_is_wrong_with_one_is_said_of_it(fleet: Fleet) -> None:
    web, db = build.pool(fleet.tenant), build.tcp_pool(fleet.tenant)
    operations = [
        add(pool=web.pk), add(pool=db.pk, port=22), add(pool=db.pk, host="a.test"), add(pool="nowhere"),
        add(pool=db.pk, port=FIRST), add(pool=db.pk, port=FIRST),
    ]  # fmt: skip
    refused = fleet.post("bulk/listeners", {"operations": operations}, status=422)
    assert {(one["pointer"], one["code"]) for one in refused["errors"]} == {
        ("/operations/0/data/pool", "pool_mode"), ("/operations/1/data/port", "invalid"),
        ("/operations/2/data/host", "invalid"), ("/operations/3/data/pool", "unknown_pool"),
        ("/operations/5/data/port", "listener_taken"),
    }  # fmt: skip


def test_a_port_is_handed_on_within_one_call(fleet: Fleet) -> None:
    one, other = build.tcp_pool(fleet.tenant), build.tcp_pool(fleet.tenant)
    old = build.listener(fleet.tenant, one, port=FIRST)
    gone = {"action": "delete", "id": old.pk}
    done = fleet.post("bulk/listeners", {"operations": [gone, add(pool=other.pk, port=FIRST)]})
    assert [result["status"] for result in done["results"]] == ["deleted", "created"]
    assert ports(fleet) == [FIRST]
    moved = {"action": "update", "id": done["results"][1]["id"], "data": {"port": FIRST + 9, "max_connections": 3}}
    fleet.post("bulk/listeners", {"operations": [moved]})
    assert ports(fleet) == [FIRST + 9]
    kept = {**moved, "data": {"port": None, "max_connections": 4}}
    assert fleet.post("bulk/listeners", {"operations": [kept]})["results"][0]["status"] == "updated"
    assert ports(fleet) == [FIRST + 9]


def test_a_pool_that_a_listener_needs_stays(fleet: Fleet) -> None:
    way = build.listener(fleet.tenant)
    refused = fleet.post("bulk/pools", {"operations": [{"action": "delete", "id": way.pool_id}]}, status=409)
    assert refused["errors"][0]["code"] == "pool_in_use"


def test_the_plans_limit_holds_for_all_of_them(fleet: Fleet) -> None:
    pool = build.tcp_pool(fleet.tenant)
    refused = fleet.post("bulk/listeners", {"operations": [add(pool=pool.pk)] * 11}, status=402)
    assert (refused["code"], refused["limit"]) == ("limit_reached", 10)
    assert ports(fleet) == []


def test_an_operator_changes_the_rest_alone(fleet: Fleet) -> None:
    pool = build.tcp_pool(fleet.tenant)
    build.listener(fleet.tenant, pool, port=FIRST)
    document = fleet.get("config/export?format=json")
    api = build.api(build.member(fleet.tenant, Role.OPERATOR), fleet.tenant)
    one = {"kind": "listener", **add(pool=pool.pk)}
    assert api.post("/api/bulk", {"operations": [one]}).status_code == 403
    assert api.post("/api/bulk/listeners", {"operations": [add(pool=pool.pk)]}).status_code == 403
    document["pools"][0]["retries"] = 0
    assert api.post("/api/config/import?mode=replace", document).json()["counts"]["listener"]["unchanged"] == 1
    before = everything(fleet)
    assert api.post("/api/config/import?mode=replace", {**document, "listeners": []}).status_code == 403
    assert everything(fleet) == before


def test_a_taken_port_in_a_document_is_refused_at_its_pointer(fleet: Fleet, committed: World) -> None:
    build.listener(committed.theirs, port=FIRST + 3)
    build.listener(fleet.tenant, port=FIRST)
    document = fleet.get("config/export?format=json")
    pool = document["pools"][0]["name"]
    document["listeners"] += [{"kind": "tcp", "pool": pool, "port": port} for port in (FIRST + 1, FIRST + 3)]
    before = everything(fleet)
    for query in ("mode=merge", "mode=replace", "mode=merge&dry_run=true"):
        refused = fleet.post(f"config/import?{query}", document, status=409)
        assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [("/listeners/2/port", "port_taken")]
    assert everything(fleet) == before


def test_replace_frees_a_port_and_claims_it_in_one_document(fleet: Fleet) -> None:
    """Its pool goes, another one comes; and what the one listener gives up the other gets."""
    old = build.tcp_pool(fleet.tenant, name="old")
    build.listener(fleet.tenant, old, port=FIRST)
    build.listener(fleet.tenant, old, port=FIRST + 1)
    new = {"name": "new", "mode": "tcp", "health_check": {"type": "tcp"}}
    document = {
        "format": "veloflux/1", "pools": [new],
        "listeners": [{"kind": "tcp", "pool": "new", "port": FIRST}, {"kind": "tcp", "pool": "new"}],
    }  # fmt: skip
    dry = fleet.post("config/import?mode=replace&dry_run=true", document)
    done = fleet.post("config/import?mode=replace", document)
    assert done["counts"] == dry["counts"]
    assert done["counts"]["listener"] == {"created": 1, "updated": 1, "unchanged": 0, "deleted": 1}
    assert ports(fleet)[0] == FIRST
    assert len(ports(fleet)) == 2
    again = fleet.post("config/import?mode=replace", document)
    assert again["counts"]["listener"]["unchanged"] == 2


def test_a_document_without_listeners_leaves_them(fleet: Fleet) -> None:
    pool = build.tcp_pool(fleet.tenant)
    build.listener(fleet.tenant, pool, port=FIRST)
    document = fleet.get("config/export?format=json")
    del document["listeners"], document["protection"]
    done = fleet.post("config/import?mode=replace", document)
    assert done["notes"] == [
        "The document says nothing of listeners: they stay as they are.",
        "The document says nothing of protection: they stay as they are.",
    ]
    assert ports(fleet) == [FIRST]


def test_what_a_tenant_has_one_of_travels(fleet: Fleet) -> None:
    limit = {"per_address": {"requests_per_second": 5, "burst": 9, "status": 503}, "allowed_networks": ["10.0.0.0/8"]}
    assert fleet.api.put("/api/rate-limit", limit).status_code == 200
    assert fleet.api.put("/api/security-headers", {"frame_options": "deny"}).status_code == 200
    first = fleet.get("config/export?format=json")
    assert first["protection"]["rate_limit"]["per_address"]["burst"] == 9
    fleet.api.put("/api/rate-limit", {})
    fleet.api.put("/api/security-headers", {})
    dry = fleet.post("config/import?dry_run=true", first)
    assert dry["counts"]["protection"] == {"created": 0, "updated": 2, "deleted": 0, "unchanged": 0}
    assert fleet.get("config/export?format=json") != first
    done = fleet.post("config/import", first)
    assert {one["kind"] for one in done["objects"]} == {"ratelimit", "securityheaders"}
    assert fleet.get("config/export?format=json") == first
    assert fleet.post("config/import", first)["change"] is None


@pytest.mark.parametrize(
    ("part", "pointer"),
    [
        ({"rate_limit": {"per_address": {"burst": 9}}}, "/protection/rate_limit/per_address/burst"),
        ({"rate_limit": {"id": "x"}}, "/protection/rate_limit/id"),
        ({"rate_limit": 7}, "/protection/rate_limit"),
        ({"security_headers": {"hsts": "always"}}, "/protection/security_headers/hsts"),
        ({"waf": {}}, "/protection/waf"),
        ([], "/protection"),
    ],
)
def test_what_is_wrong_with_it_is_pointed_at(fleet: Fleet, part: Any, pointer: str) -> None:
    document = {"format": "veloflux/1", "pools": [{"name": "x"}], "protection": part}
    refused = fleet.post("config/import", document, status=422)
    assert [one["pointer"] for one in refused["errors"]] == [pointer]
    assert everything(fleet)[0]["pool"] == {}
