"""The shapes of the API as they are documented, with every default sent as it is shown, and answered so."""

from typing import Any

import pytest
import yaml

from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db
POOL: dict[str, Any] = {
    "name": "web",
    "algorithm": "round_robin",
    "sticky": {"type": "none", "cookie_name": None, "ttl": None},
    "health_check": {
        "type": "http", "method": "GET", "path": "/", "host": None, "headers": {}, "expected_status": "200-399",
        "expected_body": None, "interval": "5s", "timeout": "2s", "rise": 2, "fall": 3, "port": None,
    },
    "timeouts": {"connect": "5s", "server": "30s", "queue": "5s"},
    "retries": 2,
    "tls": {"enabled": False, "verify": True, "ca": None, "sni": None},
    "proxy_protocol": "none",
    "backup_pool": None,
    "tags": [],
    "description": "",
}  # fmt: skip
BACKEND: dict[str, Any] = {
    "address": "10.0.0.5:8080", "weight": 100, "admin": "ready", "backup": False, "max_connections": None,
    "region": None, "check_port": None, "tags": [],
}  # fmt: skip


@pytest.fixture
def client(world: World) -> build.Api:
    return build.api(world.owner, world.ours)


def post(client: build.Api, path: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
    answer = client.post(f"/api/{path}", body)
    assert answer.status_code == status, answer.content
    return dict(answer.json())


def within(shape: Any, answered: Any) -> bool:
    """Everything that was sent is answered as it was."""
    if isinstance(shape, dict):
        return all(name in answered and within(value, answered[name]) for name, value in shape.items())
    return bool(shape == answered)


def test_defaults_can_be_sent_as_they_are_shown_and_are_what_is_answered(client: build.Api) -> None:
    pool = post(client, "pools", POOL)
    assert within(POOL, pool), pool
    backend = post(client, "backends", {"pool": pool["id"], **BACKEND})
    assert within(BACKEND, backend), backend
    short = post(client, "pools", {"name": "short"})
    assert within({**POOL, "name": "short"}, short), short
    least = post(client, "backends", {"pool": short["id"], "address": "10.0.0.5:8080"})
    assert within(BACKEND, least), least


def test_a_region_and_a_host_are_taken_and_taken_away(client: build.Api) -> None:
    pool = post(client, "pools", {"name": "web", "health_check": {"host": "a.test"}})
    assert pool["health_check"]["host"] == "a.test"
    backend = post(client, "backends", {"pool": pool["id"], "address": "10.0.0.5:8080", "region": "east"})
    gone = client.patch(f"/api/backends/{backend['id']}", {"region": None}).json()
    assert (backend["region"], gone["region"]) == ("east", None)


def test_who_chooses_what_there_is_not_is_told_what_there_is(client: build.Api) -> None:
    (error,) = post(client, "pools", {"name": "web", "algorithm": "fastest"}, 422)["errors"]
    assert error["pointer"] == "/algorithm"
    assert '"fastest" is not a valid choice. There is: round_robin, weighted_round_robin,' in error["detail"]


@pytest.mark.parametrize("kind", ["http", "https"])
def test_listeners_that_everybody_shares_are_not_made(client: build.Api, kind: str) -> None:
    pool = post(client, "pools", {"name": "web"})["id"]
    (error,) = post(client, "listeners", {"kind": kind, "pool": pool}, 422)["errors"]
    assert (error["pointer"], error["code"]) == ("/kind", "shared")
    assert "a route with its host, and no listener" in error["detail"]


def test_the_document_says_which_algorithms_are_refused(client: build.Api) -> None:
    schemas = yaml.safe_load(client.get("/api/schema").content)["components"]["schemas"]
    said = str(schemas["Pool"]["properties"]["algorithm"])
    assert "no GeoIP database here" in said
    assert "adaptive comes with the AI" in said
