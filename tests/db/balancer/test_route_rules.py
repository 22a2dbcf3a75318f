"""Routes that are more than a prefix and a pool: every field comes back as it was sent, reaches the desired state, and
is refused under its own name."""

from typing import Any

import pytest

from balancer.haproxy.codec import from_json, to_json
from balancer.haproxy.routing import Act, Op, Share
from balancer.queries import desired_state
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import build

pytestmark = pytest.mark.django_db

RULES: dict[str, Any] = {
    "priority": 7,
    "conditions": [
        {"type": "method", "name": None, "op": "equals", "value": "GET,HEAD", "negate": False},
        {"type": "header", "name": "X-A", "op": "regex", "value": "^v[0-9]+$", "negate": True},
        {"type": "query", "name": "q", "op": "present", "value": None, "negate": False},
        {"type": "source", "name": None, "op": "equals", "value": "10.0.0.0/8,2001:db8::/32", "negate": False},
    ],
    "rewrite": {"prefix": "/v1", "regex": "", "replacement": "", "host": "b.test"},
    "request_headers": [{"action": "set", "name": "X-B", "value": "it's 100% ${HOME}"}],
    "response_headers": [{"action": "remove", "name": "Server", "value": None}],
    "cors": {
        "origins": ["https://a.test"], "methods": ["GET"], "headers": ["X-Q"], "exposed": [], "credentials": True,
        "max_age": "60s",
    },
    "timeout": "2s",
    "max_body": 1000,
    "compression": True,
    "maintenance": {"body": "<p>\n</p>", "content_type": "text/html", "retry_after": "60s"},
    "cache": {"ttl": "60s", "max_object": 4096, "cookies": True},
}  # fmt: skip
ACTIONS: list[dict[str, Any]] = [
    {"type": "redirect", "url": "https://x/?a=1&b=2#f'", "code": 308},
    {"type": "redirect", "prefix": "https://y.test", "code": 301},
    {"type": "respond", "status": 418, "content_type": "text/plain; charset=utf-8", "body": "é\n\t'\"#%${HOME}\\"},
]


@pytest.fixture
def tenant() -> Tenant:
    return build.tenant()


@pytest.fixture
def api(tenant: Tenant) -> build.Api:
    return build.Api(f"Bearer {build.key(tenant, build.member(tenant))[1]}")


def test_a7_every_field_comes_back_as_it_was_sent(tenant: Tenant, api: build.Api) -> None:
    pool = build.pool(tenant)
    made = api.post("/api/routes", {"host": "a.test", "path_prefix": "/api", "pool": pool.pk, **RULES})
    assert made.status_code == 201, made.json()
    read = api.get(f"/api/routes/{made.json()['id']}").json()
    assert {name: read[name] for name in RULES} == RULES
    assert (read["action"], read["path_match"], read["pool"]) == ({"type": "pool"}, "prefix", pool.pk)
    again = api.put(f"/api/routes/{read['id']}", read)
    assert again.status_code == 200, again.json()
    assert {name: again.json()[name] for name in read if name not in ("updated_at",)} == {
        name: value for name, value in read.items() if name != "updated_at"
    }


@pytest.mark.parametrize("action", ACTIONS)
def test_a7_an_action_without_a_pool(tenant: Tenant, api: build.Api, action: dict[str, Any]) -> None:
    made = api.post("/api/routes", {"host": "a.test", "action": action})
    assert made.status_code == 201, made.json()
    assert (made.json()["action"], made.json()["pool"]) == (action, None)


def test_it_all_reaches_the_desired_state(tenant: Tenant, api: build.Api) -> None:
    one, two = build.pool(tenant), build.pool(tenant)
    shares = [{"pool": one.pk, "weight": 90}, {"pool": two.pk, "weight": 10}]
    assert api.post("/api/routes", {"host": "a.test", "pool": one.pk, **RULES}).status_code == 201
    weighted = api.post("/api/routes", {"host": "a.test", "action": {"type": "weighted", "pools": shares}})
    assert weighted.status_code == 201, weighted.json()
    with tenant_scope(tenant):
        state = desired_state.of(tenant)
    assert from_json(to_json(state)) == state
    by_type = {route.action.type: route for route in state.routes}
    assert by_type[Act.WEIGHTED].action.shares == (Share(f"p{one.pk}", 90), Share(f"p{two.pk}", 10))
    ruled = by_type[Act.POOL]
    assert (ruled.priority, ruled.match.conditions[1].op, ruled.handling.timeout_ms) == (7, Op.REGEX, 2000)
    refused = api.delete(f"/api/pools/{two.pk}")
    assert (refused.status_code, refused.json()["code"]) == (409, "pool_in_use")


def test_one_route_without_conditions_for_a_path_and_many_with(tenant: Tenant, api: build.Api) -> None:
    pool = build.pool(tenant)
    body = {"host": "a.test", "pool": pool.pk}
    assert api.post("/api/routes", body).status_code == 201
    assert api.post("/api/routes", body).json()["code"] == "route_taken"
    for _ in range(2):
        assert api.post("/api/routes", {**body, "conditions": RULES["conditions"]}).status_code == 201
    assert api.post("/api/routes", {**body, "path_match": "exact"}).status_code == 201


def test_another_action_lets_go_of_the_pool(tenant: Tenant, api: build.Api) -> None:
    route = build.route(tenant)
    changed = api.patch(f"/api/routes/{route.pk}", {"action": ACTIONS[0]})
    assert (changed.status_code, changed.json()["pool"]) == (200, None)


HEADER = {"type": "header", "name": "x-a", "op": "equals", "value": "x"}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"path_match": "regex", "path_prefix": "(a+)+"}, "/path_prefix"),
    ({"path_match": "regex", "path_prefix": "(?=a)"}, "/path_prefix"),
    ({"path_match": "exact", "path_prefix": "/a b"}, "/path_prefix"),
    ({"conditions": [HEADER, {**HEADER, "name": "x a"}]}, "/conditions/1/name"),
    ({"conditions": [{**HEADER, "value": "a\nb"}]}, "/conditions/0/value"),
    ({"conditions": [{**HEADER, "op": "regex", "value": "\\1"}]}, "/conditions/0/value"),
    ({"conditions": [{"type": "source", "value": "10.0.0.1/8"}]}, "/conditions/0/value"),
    ({"conditions": [{"type": "method", "value": "get"}]}, "/conditions/0/value"),
    ({"action": {"type": "redirect"}, "pool": None}, "/action/url"),
    ({"action": {"type": "redirect", "url": "javascript:alert(1)"}, "pool": None}, "/action/url"),
    ({"action": {"type": "weighted", "pools": [{"pool": "no", "weight": 1}]}, "pool": None}, "/action/pools/0/pool"),
    ({"action": {"type": "weighted", "pools": []}, "pool": None}, "/action/pools"),
    ({"action": {"type": "respond", "body": "\x00"}, "pool": None}, "/action/body"),
    ({"request_headers": [{"action": "set", "name": "Connection", "value": "close"}]}, "/request_headers/0/name"),
    ({"request_headers": [{"action": "set", "name": "X_Forwarded_For", "value": "1"}]}, "/request_headers/0/name"),
    ({"response_headers": [{"action": "set", "name": "x", "value": "\u202e"}]}, "/response_headers/0/value"),
    ({"rewrite": {"regex": "^/(a)", "replacement": "/\\2"}}, "/rewrite/replacement"),
    ({"cors": {"origins": ["*"], "credentials": True}}, "/cors/origins"),
    ({"pool": None}, "/pool"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "pointer"), WRONG, ids=[pointer for _, pointer in WRONG])
def test_what_is_wrong_is_named(tenant: Tenant, api: build.Api, values: dict[str, Any], pointer: str) -> None:
    body = {"host": "a.test", "pool": build.pool(tenant).pk, **values}
    refused = api.post("/api/routes", body)
    assert refused.status_code in (400, 422), refused.json()
    assert pointer in [error["pointer"] for error in refused.json()["errors"]], refused.json()


def test_a_list_is_filtered_by_a_duration(tenant: Tenant, api: build.Api) -> None:
    slow = build.route(tenant, timeout_ms=1500)
    build.route(tenant, timeout_ms=2000)
    build.route(tenant)
    assert [one["id"] for one in api.get("/api/routes?timeout=1500ms").json()["items"]] == [slow.pk]
    assert api.get("/api/routes?timeout=999999999h").json()["items"] == []
    assert len(api.get("/api/routes").json()["items"]) == 3
    assert api.get("/api/routes?timeout=slow").status_code == 422


@pytest.mark.parametrize("wrong", ["500ms", "25h", "60", 60])
def test_browsers_remember_for_whole_seconds_of_a_day(tenant: Tenant, api: build.Api, wrong: Any) -> None:
    body = {"host": "a.test", "pool": build.pool(tenant).pk, "cors": {"origins": ["*"], "max_age": wrong}}
    refused = api.post("/api/routes", body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/cors/max_age")
