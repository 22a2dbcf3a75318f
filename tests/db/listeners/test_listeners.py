"""Listeners through the API: who gets which port and which name, and what is refused with which fix."""

from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from balancer.fleet.models import DomainProof, Edit, HostClaim, PortClaim
from balancer.haproxy.listeners import Listener as Desired
from balancer.haproxy.listeners import ListenerKind
from balancer.models import Listener
from balancer.queries import desired_state
from balancer.services import ports
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tests import build

pytestmark = pytest.mark.django_db
FIRST = django_settings.TCP_PORTS[0]
Json = dict[str, Any]


@pytest.fixture
def tenant() -> Tenant:
    return build.tenant()


@pytest.fixture
def api(tenant: Tenant) -> build.Api:
    return build.api(build.member(tenant, Role.ADMIN), tenant)


@pytest.fixture
def pool(tenant: Tenant) -> str:
    return str(build.tcp_pool(tenant).pk)


@pytest.fixture(autouse=True)
def passed_through(settings: Any) -> None:
    settings.SHARED_PORTS = {"http": 8000, "https": 8443, "tls_passthrough": 8445}
    settings.TRAFFIC_URL = "http://in.veloflux.test:8000"


def proven(tenant: Tenant, domain: str) -> None:
    with platform_scope():
        proof = build.domain(tenant, domain)
        DomainProof.objects.filter(pk=proof.pk).update(verified_at=timezone.now())


def errors(answer: Any) -> dict[str, str]:
    return {error["pointer"]: error["code"] for error in answer.json()["errors"]}


def test_a_port_is_given_and_said_how_to_reach(api: build.Api, tenant: Tenant, pool: str) -> None:
    made = api.post("/api/listeners", {"kind": "tcp", "pool": pool})
    assert made.status_code == 201, made.content
    assert made.json()["port"] == FIRST
    assert made.json()["endpoint"] == f"in.veloflux.test:{FIRST}"
    assert {name: made.json()[name] for name in ("host", "allowed_cidrs", "max_connections", "idle_timeout")} == {
        "host": None, "allowed_cidrs": [], "max_connections": None, "idle_timeout": "3600s",
    }  # fmt: skip
    assert made.json()["change"]["edit"]
    assert api.post("/api/listeners", {"kind": "tcp", "pool": pool}).json()["port"] == FIRST + 1
    with tenant_scope(tenant):
        told = desired_state.of(tenant).listeners
    assert sorted(one.port for one in told) == [FIRST, FIRST + 1]
    assert told[0] == Desired(told[0].key, ListenerKind.TCP, f"p{pool}", port=told[0].port)


def test_one_is_changed_and_deleted_and_its_port_is_free_again(api: build.Api, tenant: Tenant, pool: str) -> None:
    made = api.post("/api/listeners", {"kind": "tcp", "pool": pool, "port": FIRST + 7}).json()
    path = f"/api/listeners/{made['id']}"
    changed = api.patch(path, {"allowed_cidrs": ["203.0.113.7", "2001:db8::/32"], "idle_timeout": "5m"})
    assert changed.status_code == 200, changed.content
    assert changed.json()["allowed_cidrs"] == ["203.0.113.7/32", "2001:db8::/32"]
    assert (changed.json()["port"], changed.json()["idle_timeout"]) == (FIRST + 7, "300s")
    moved = api.put(path, {"kind": "tcp", "pool": pool, "port": FIRST + 8})
    assert (moved.status_code, moved.json()["allowed_cidrs"]) == (200, [])
    kept = api.put(path, {"kind": "tcp", "pool": pool})
    assert kept.json()["port"] == FIRST + 8, "a port that is left out stays"
    with platform_scope():
        assert list(PortClaim.objects.values_list("port", flat=True)) == [FIRST + 8]
    assert api.delete(path).status_code == 200
    with platform_scope():
        assert not PortClaim.objects.exists()
        acts = Edit.objects.filter(kind="listener").order_by("id").values_list("act", flat=True)
        assert list(acts) == ["create", "update", "update", "update", "delete"]


def test_a_port_has_one_owner(api: build.Api, tenant: Tenant, pool: str) -> None:
    other = build.tenant()
    build.listener(other, port=FIRST)
    refused = api.post("/api/listeners", {"kind": "tcp", "pool": pool, "port": FIRST})
    assert (refused.status_code, refused.json()["code"], errors(refused)) == (
        409, "port_taken", {"/port": "port_taken"},
    )  # fmt: skip
    assert other.slug not in refused.content.decode()
    given = api.post("/api/listeners", {"kind": "tcp", "pool": pool})
    assert given.json()["port"] == FIRST + 1
    twice = api.post("/api/listeners", {"kind": "tcp", "pool": pool, "port": FIRST + 1})
    assert (twice.status_code, twice.json()["code"]) == (409, "listener_taken")


def test_only_ports_of_the_range_and_none_of_ours(api: build.Api, pool: str, settings: Any) -> None:
    settings.OWN_PORTS = frozenset({FIRST, FIRST + 2})
    for port in (80, 9090, FIRST - 1, django_settings.TCP_PORTS[-1] + 1, FIRST + 2):
        refused = api.post("/api/listeners", {"kind": "tcp", "pool": pool, "port": port})
        assert (refused.status_code, errors(refused)) == (422, {"/port": "invalid"}), port
    assert api.post("/api/listeners", {"kind": "tcp", "pool": pool}).json()["port"] == FIRST + 1


def test_when_all_ports_are_taken_it_is_said(api: build.Api, pool: str, settings: Any) -> None:
    settings.TCP_PORTS = range(FIRST, FIRST + 1)
    assert api.post("/api/listeners", {"kind": "tcp", "pool": pool}).status_code == 201
    refused = api.post("/api/listeners", {"kind": "tcp", "pool": pool})
    assert errors(refused) == {"/port": "no_port_left"}


def test_a_plan_bounds_them(pool: str) -> None:
    free = build.tenant(plan="free")
    mine = build.tcp_pool(free)
    api = build.api(build.member(free, Role.ADMIN), free)
    refused = api.post("/api/listeners", {"kind": "tcp", "pool": mine.pk})
    assert (refused.status_code, refused.json()["limit"], refused.json()["used"]) == (402, 0, 0)
    basic = build.tenant(plan="basic")
    api, mine = build.api(build.member(basic, Role.ADMIN), basic), build.tcp_pool(basic)
    codes = [api.post("/api/listeners", {"kind": "tcp", "pool": mine.pk}).status_code for _ in range(3)]
    assert codes == [201, 201, 402]


def test_a_name_is_passed_through_for_who_proved_it(api: build.Api, tenant: Tenant, pool: str) -> None:
    wish = {"kind": "tls_passthrough", "pool": pool, "host": "DB.Mine.example"}
    assert errors(api.post("/api/listeners", wish)) == {"/host": "domain_unproven"}
    proven(tenant, "mine.example")
    made = api.post("/api/listeners", wish)
    assert (made.status_code, made.json()["host"], made.json()["endpoint"]) == (
        201, "db.mine.example", "db.mine.example:8445",
    )  # fmt: skip
    assert (made.json()["port"], api.post("/api/listeners", wish).status_code) == (None, 409)
    with platform_scope():
        assert list(HostClaim.objects.values_list("host", flat=True)) == ["db.mine.example"]
    api.delete(f"/api/listeners/{made.json()['id']}")
    with platform_scope():
        assert not HostClaim.objects.exists()


def test_a_name_that_another_has_is_refused(api: build.Api, tenant: Tenant, pool: str, settings: Any) -> None:
    settings.DEMO = True
    other = build.tenant()
    build.route(other, host="a.test")
    refused = api.post("/api/listeners", {"kind": "tls_passthrough", "pool": pool, "host": "*.test"})
    assert refused.status_code in (409, 422)
    refused = api.post("/api/listeners", {"kind": "tls_passthrough", "pool": pool, "host": "a.test"})
    assert (refused.status_code, refused.json()["code"]) == (409, "host_taken")


def test_a_host_stays_claimed_while_a_route_or_a_listener_has_it(
    api: build.Api, tenant: Tenant, pool: str, settings: Any
) -> None:
    settings.DEMO = True
    route = build.route(tenant, host="a.test")
    made = api.post("/api/listeners", {"kind": "tls_passthrough", "pool": pool, "host": "a.test"}).json()
    api.delete(f"/api/routes/{route.pk}")
    with platform_scope():
        assert HostClaim.objects.filter(host="a.test").exists()
    api.delete(f"/api/listeners/{made['id']}")
    with platform_scope():
        assert not HostClaim.objects.filter(host="a.test").exists()


def test_each_kind_has_its_own_fields(api: build.Api, pool: str, settings: Any) -> None:
    settings.DEMO = True
    named = api.post("/api/listeners", {"kind": "tcp", "pool": pool, "host": "a.test"})
    assert errors(named) == {"/host": "invalid"}
    assert errors(api.post("/api/listeners", {"kind": "tls_passthrough", "pool": pool})) == {"/host": "required"}
    more = {"port": FIRST, "max_connections": 5, "proxy_protocol": True, "idle_timeout": "5s"}
    both = api.post("/api/listeners", {"kind": "tls_passthrough", "pool": pool, "host": "a.test", **more})
    assert set(errors(both)) == {f"/{name}" for name in more}
    wrong = api.post("/api/listeners", {"kind": "tcp", "pool": pool, "allowed_cidrs": ["10.0.0.0/8", "all"]})
    assert errors(wrong) == {"/allowed_cidrs/1": "invalid"}
    settings.SHARED_PORTS = {**settings.SHARED_PORTS, "tls_passthrough": 0}
    away = api.post("/api/listeners", {"kind": "tls_passthrough", "pool": pool, "host": "a.test"})
    assert errors(away) == {"/kind": "not_available"}


def test_pools_and_what_leads_to_them_speak_the_same(api: build.Api, tenant: Tenant, pool: str) -> None:
    web = build.pool(tenant)
    listener = api.post("/api/listeners", {"kind": "tcp", "pool": web.pk})
    assert errors(listener) == {"/pool": "pool_mode"}
    assert "mode tcp" in listener.json()["errors"][0]["detail"]
    route = api.post("/api/routes", {"host": "a.test", "pool": pool})
    assert errors(route) == {"/pool": "pool_mode"}
    assert errors(api.post("/api/listeners", {"kind": "tcp", "pool": "a" * 12})) == {"/pool": "unknown_pool"}
    assert errors(api.patch(f"/api/pools/{web.pk}", {"mode": "tcp"})) == {"/mode": "fixed"}


def test_a_tcp_pool_has_what_needs_no_requests(api: build.Api) -> None:
    made = api.post("/api/pools", {"name": "lines", "mode": "tcp"})
    assert (made.status_code, made.json()["mode"], made.json()["health_check"]["type"]) == (201, "tcp", "tcp")
    refused = api.post("/api/pools", {"name": "more", "mode": "tcp", "health_check": {"type": "http"}})
    assert errors(refused) == {"/health_check/type": "pool_mode"}


def test_a_pool_with_a_listener_is_not_deleted(api: build.Api, pool: str) -> None:
    made = api.post("/api/listeners", {"kind": "tcp", "pool": pool}).json()
    refused = api.delete(f"/api/pools/{pool}")
    assert (refused.status_code, refused.json()["code"]) == (409, "pool_in_use")
    assert f"port {made['port']}" in refused.json()["detail"]


def test_the_shared_ones_are_shown_and_stay(api: build.Api, pool: str) -> None:
    api.post("/api/listeners", {"kind": "tcp", "pool": pool})
    shown = api.get("/api/listeners").json()
    assert (shown["total_count"], [one["id"] for one in shown["shared"]]) == (1, ["http", "https", "tls_passthrough"])
    https = api.get("/api/listeners/https")
    assert https.json() == {
        "id": "https", "kind": "https", "port": 8443, "endpoint": "in.veloflux.test:8443", "editable": False,
    }  # fmt: skip
    for method in ("PUT", "PATCH", "DELETE"):
        refused = api(method, "/api/listeners/http", {"kind": "tcp", "pool": pool})
        assert (refused.status_code, refused.json()["code"]) == (409, "read_only"), method


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_who_is_no_admin_only_reads(tenant: Tenant, pool: str, role: Role) -> None:
    made = build.listener(tenant)
    api = build.api(build.member(tenant, role), tenant)
    assert api.get(f"/api/listeners/{made.pk}").status_code == 200
    assert api.post("/api/listeners", {"kind": "tcp", "pool": pool}).status_code == 403
    assert api.delete(f"/api/listeners/{made.pk}").status_code == 403


def test_one_that_is_switched_off_is_told_to_no_node(api: build.Api, tenant: Tenant, pool: str) -> None:
    made = api.post("/api/listeners", {"kind": "tcp", "pool": pool, "enabled": False}).json()
    with tenant_scope(tenant):
        assert desired_state.of(tenant).listeners == ()
        assert Listener.objects.get(pk=made["id"]).port == made["port"]
        ports.release_all([made["port"]])
        assert PortClaim.objects.filter(port=made["port"]).exists(), "it is his all the same"
