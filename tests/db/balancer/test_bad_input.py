"""Bad input: refused with the field's name and the fix, and nothing stored."""

from typing import Any

import pytest
from django.test import override_settings

from tests import build
from tests.conftest import World
from tests.db.stored import everything

pytestmark = pytest.mark.django_db

HOSTILE = ["a\nb", "a\rb", "a\x00b", "a\x1bb", "a\u202eb", "a\u2028b"]


def refused(response: Any, status: int, pointer: str, words: str) -> None:
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert pointer in [error["pointer"] for error in problem["errors"]], problem
    assert words in " ".join(error["detail"] for error in problem["errors"]), problem


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("10.0.0.5:0", "from 1 to 65535"),
        ("10.0.0.5:70000", "from 1 to 65535"),
        ("10.0.0.5", "no port"),
        ("169.254.169.254:80", "metadata"),
        ("[fd00:ec2::254]:80", "metadata"),
        ("169.254.7.7:80", "link-local"),
        ("[fe80::1]:80", "link-local"),
        ("127.0.0.1:80", "loopback"),
        ("[::1]:80", "loopback"),
        ("[::ffff:169.254.169.254]:80", "Write the IPv4 address itself"),
        ("unix@/var/run/docker.sock:1", "neither an IP address nor a host name"),
        ("localhost:80", "on one machine only"),
    ],
)
@override_settings(DEMO=False)
def test_a4_an_address_that_must_not_be_reached_is_refused(world: World, address: str, words: str) -> None:
    pool = build.pool(world.ours)
    api = build.api(world.owner, world.ours)
    before = everything(world.ours)
    refused(api.post("/api/backends", {"pool": pool.pk, "address": address}), 422, "/address", words)
    refused(api.post(f"/api/pools/{pool.pk}/backends", {"address": address}), 422, "/address", words)
    assert everything(world.ours) == before


def test_the_demo_may_reach_loopback(world: World) -> None:
    pool = build.pool(world.ours)
    body = {"pool": pool.pk, "address": "127.0.0.1:9101"}
    assert build.api(world.owner, world.ours).post("/api/backends", body).status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "pointer", "words"),
    [
        ("pools", {"name": "x", "algorithm": "fastest"}, "/algorithm", "fastest"),
        ("pools", {"name": ""}, "/name", ""),
        ("pools", {}, "/name", "required"),
        ("pools", {"name": "x", "wieght": 1}, "/wieght", "no such field"),
        ("pools", {"name": "x", "retries": 99}, "/retries", "10"),
        ("pools", {"name": "x", "health_check": {"interval": "5"}}, "/health_check/interval", "with its unit"),
        ("pools", {"name": "x", "health_check": {"interval": "1ms"}}, "/health_check/interval", "100ms"),
        ("pools", {"name": "x", "health_check": {"path": "health"}}, "/health_check/path", "starts with /"),
        ("pools", {"name": "x", "health_check": {"path": "/a b"}}, "/health_check/path", "no spaces"),
        ("pools", {"name": "x", "health_check": {"expected_status": "ok"}}, "/health_check/expected_status", "200-399"),
        ("pools", {"name": "x", "health_check": {"headers": {"a b": "c"}}}, "/health_check/headers", "header name"),
        ("pools", {"name": "x", "health_check": {"headers": {"Host": "x"}}}, "/health_check/headers", "field “host”"),
        ("pools", {"name": "x", "health_check": {"host": "a b"}}, "/health_check/host", "host name"),
        ("pools", {"name": "x", "health_check": {"port": 70000}}, "/health_check/port", "65535"),
        ("pools", {"name": "x", "timeouts": {"connect": "forever"}}, "/timeouts/connect", "with its unit"),
        ("routes", {"host": "http://x.test", "pool": "POOL"}, "/host", "without scheme"),
        ("routes", {"host": "*.test", "pool": "POOL"}, "/host", "wildcard"),
        ("routes", {"host": "localhost", "pool": "POOL"}, "/host", "console's own"),
        ("routes", {"host": "x.test", "path_prefix": "api", "pool": "POOL"}, "/path_prefix", "starts with /"),
        ("routes", {"host": "x.test", "path_prefix": "/a?b", "pool": "POOL"}, "/path_prefix", "?"),
        ("routes", {"host": "x.test", "pool": "aaaaaaaaaaaa"}, "/pool", "no such pool"),
        ("routes", {"host": "x.test", "pool": "THEIRS"}, "/pool", "no such pool"),
        ("backends", {"pool": "THEIRS", "address": "10.0.0.1:80"}, "/pool", "no such pool"),
        ("backends", {"pool": "POOL", "address": "10.0.0.1:80", "weight": 257}, "/weight", "256"),
        ("backends", {"pool": "POOL", "address": "10.0.0.1:80", "weight": -1}, "/weight", "0"),
        ("backends", {"pool": "POOL", "address": "10.0.0.1:80", "admin": "off"}, "/admin", "off"),
    ],
)
def test_a_wrong_field_is_named(world: World, path: str, body: dict[str, Any], pointer: str, words: str) -> None:
    pools = {"POOL": build.pool(world.ours).pk, "THEIRS": build.pool(world.theirs).pk}
    body = {name: pools.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
    api = build.api(world.owner, world.ours)
    before = everything(world.ours, world.theirs)
    refused(api.post(f"/api/{path}", body), 422, pointer, words)
    assert everything(world.ours, world.theirs) == before


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("pools", "name"), ("pools", "description"), ("pools", "tags"), ("routes", "host"), ("routes", "path_prefix"),
        ("routes", "description"), ("backends", "region"), ("backends", "description"), ("backends", "address"),
    ],
)  # fmt: skip
def test_text_that_cannot_be_printed_is_refused(world: World, path: str, field: str, text: str) -> None:
    pool = build.pool(world.ours).pk
    bodies: dict[str, dict[str, Any]] = {
        "pools": {"name": "x"},
        "routes": {"host": "x.test", "pool": pool},
        "backends": {"pool": pool, "address": "10.0.0.1:80"},
    }
    api = build.api(world.owner, world.ours)
    before = everything(world.ours)
    response = api.post(f"/api/{path}", {**bodies[path], field: [text] if field == "tags" else text})
    assert response.status_code in (400, 422), response.content
    assert any(error["pointer"].startswith(f"/{field}") for error in response.json()["errors"]), response.content
    assert everything(world.ours) == before


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("a.x.test", "a.x.test"), ("*.x.test", "a.x.test"), ("a.x.test", "*.x.test"), ("A.X.test.", "a.x.TEST")],
)
def test_a8_a_host_has_one_owner(world: World, theirs: str, ours: str) -> None:
    build.route(world.theirs, host=theirs)
    pool = build.pool(world.ours)
    api = build.api(world.owner, world.ours)
    before = everything(world.ours, world.theirs)
    response = api.post("/api/routes", {"host": ours, "pool": pool.pk})
    refused(response, 409, "/host", "in use by another account")
    assert world.theirs.name not in response.content.decode()
    assert everything(world.ours, world.theirs) == before


def test_a_host_is_free_again_with_its_last_route(world: World) -> None:
    route = build.route(world.theirs, host="moves.test")
    assert build.api(world.their_owner, world.theirs).delete(f"/api/routes/{route.pk}").status_code == 200
    pool = build.pool(world.ours)
    answer = build.api(world.owner, world.ours).post("/api/routes", {"host": "moves.test", "pool": pool.pk})
    assert answer.status_code == 201, answer.content


def test_a1_a_pool_in_use_is_not_deleted(world: World) -> None:
    route = build.route(world.ours)
    answer = build.api(world.owner, world.ours).delete(f"/api/pools/{route.pool_id}")
    assert answer.status_code == 409
    assert str(route) in answer.json()["detail"]


def test_a4_a_count_beyond_the_plan_is_402_and_says_how_much(world: World) -> None:
    owner = build.user()
    tenant = build.tenant(plan="free", owner=owner)
    pool = build.pool(tenant)
    for _ in range(6):
        build.backend(tenant, pool)
    answer = build.api(owner, tenant).post("/api/backends", {"pool": pool.pk, "address": "127.9.9.9:80"})
    assert answer.status_code == 402, answer.content
    assert (answer.json()["limit"], answer.json()["used"]) == (6, 6)
    assert answer.json()["upgrade_url"].startswith("http")
