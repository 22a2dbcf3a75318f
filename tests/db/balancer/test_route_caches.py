"""Routes that keep answers: what may be said, how many there may be, and a purge that is meant at once and stays."""

from typing import Any

import pytest

from balancer.fleet.models import Edit
from balancer.haproxy.routing import Cache
from balancer.models import Purge, Route
from balancer.queries import desired_state
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import build

pytestmark = pytest.mark.django_db
KEPT = {"ttl": "60s", "max_object": 65536, "cookies": False}


@pytest.fixture
def tenant() -> Tenant:
    return build.tenant()


def api_of(tenant: Tenant, role: Role = Role.OPERATOR) -> build.Api:
    return build.Api(f"Bearer {build.key(tenant, build.member(tenant, role), role)[1]}")


@pytest.fixture
def api(tenant: Tenant) -> build.Api:
    return api_of(tenant)


def made(api: build.Api, tenant: Tenant, **values: Any) -> Any:
    return api.post("/api/routes", {"host": "a.test", "pool": build.pool(tenant).pk, "cache": KEPT, **values})


def desired(tenant: Tenant) -> Cache | None:
    with tenant_scope(tenant):
        return desired_state.of(tenant).routes[0].handling.cache


def test_it_comes_back_in_one_spelling_and_reaches_the_desired_state(tenant: Tenant, api: build.Api) -> None:
    route = made(api, tenant, cache={"ttl": "1m"}).json()
    assert route["cache"] == KEPT
    assert desired(tenant) == Cache(60)
    again = api.put(f"/api/routes/{route['id']}", route)
    assert (again.status_code, again.json()["cache"]) == (200, KEPT)
    off = api.patch(f"/api/routes/{route['id']}", {"cache": None})
    assert (off.json()["cache"], desired(tenant)) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"cache": {}}, "/cache/ttl"),
        ({"cache": {"ttl": "61m"}}, "/cache/ttl"),
        ({"cache": {"ttl": "500ms"}}, "/cache/ttl"),
        ({"cache": {**KEPT, "max_object": 1023}}, "/cache/max_object"),
        ({"cache": {**KEPT, "max_object": 262145}}, "/cache/max_object"),
        ({"cache": {**KEPT, "purged": 1}}, "/cache/purged"),
        ({"pool": None, "action": {"type": "redirect", "url": "/x", "code": 301}}, "/cache"),
    ],
)
def test_what_no_node_would_take_is_refused_by_its_name(
    tenant: Tenant, api: build.Api, wrong: dict[str, Any], pointer: str
) -> None:
    refused = made(api, tenant, **wrong)
    assert refused.status_code in (400, 422), refused.json()
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


def test_a_plan_includes_so_many_and_none_that_exists_stops(tenant: Tenant, api: build.Api, settings: Any) -> None:
    pool = build.pool(tenant)
    body = {"host": "a.test", "pool": pool.pk, "cache": KEPT}
    ids = [api.post("/api/routes", {**body, "path_prefix": f"/{number}"}).json()["id"] for number in range(5)]
    refused = api.post("/api/routes", {**body, "path_prefix": "/more"})
    assert (refused.status_code, refused.json()["used"]) == (402, 5)
    assert api.post("/api/routes", {**body, "path_prefix": "/more", "cache": None}).status_code == 201
    assert api.patch(f"/api/routes/{ids[0]}", {"cache": {"ttl": "5s"}}).status_code == 200
    operations = [{"action": "add", "data": {**body, "path_prefix": "/bulk"}}]
    assert api.post("/api/bulk/routes", {"operations": operations}).status_code == 402
    assert api.patch(f"/api/routes/{ids[0]}", {"cache": None}).status_code == 200
    assert api.post("/api/bulk/routes", {"operations": operations}).status_code == 200


def test_a_cluster_holds_so_many(tenant: Tenant, api: build.Api, settings: Any) -> None:
    settings.CACHES_ON_A_CLUSTER = 0
    refused = made(api, tenant)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_room_for_caches")


def test_what_is_saved_or_switched_on_has_its_place_on_the_cluster_too(
    tenant: Tenant, api: build.Api, settings: Any
) -> None:
    """Nodes were told of none of them yet."""
    settings.CACHES_ON_A_CLUSTER = 1
    assert made(api, tenant).status_code == 201
    assert made(api, tenant, path_prefix="/more").json()["code"] == "no_room_for_caches"
    off = made(api, tenant, path_prefix="/off", enabled=False)
    assert off.status_code == 201, off.json()
    on = {"action": "update", "id": off.json()["id"], "data": {"enabled": True}}
    for refused in (
        api.patch(f"/api/routes/{on['id']}", {"enabled": True}),
        api.post("/api/bulk/routes", {"operations": [on]}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "no_room_for_caches")
    settings.CACHES_ON_A_CLUSTER = 2
    assert api.patch(f"/api/routes/{on['id']}", {"enabled": True}).status_code == 200


def test_a_purge_raises_the_mark_and_is_an_edit_that_waits_for_nobody(tenant: Tenant, api: build.Api) -> None:
    path = f"/api/routes/{made(api, tenant).json()['id']}/purge-cache"
    with tenant_scope(tenant):
        Edit.objects.filter(tenant=tenant).delete()
    answer = api.post(path)
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["cache"], answer.json()["change"]["state"]) == (KEPT, "pending")
    first = desired(tenant)
    assert first is not None
    assert first.purged > 1_700_000_000_000
    with tenant_scope(tenant):
        Purge.objects.update(mark=first.purged + 10**9)  # a clock that went back
    api.post(path)
    again = desired(tenant)
    assert again is not None
    assert again.purged == first.purged + 10**9 + 1
    with tenant_scope(tenant):
        edits = list(Edit.objects.filter(tenant=tenant).values_list("act", "kind", "staged", "after"))
    assert edits == [("purge", "route", False, {})] * 2


def test_the_mark_outlives_the_route(tenant: Tenant, api: build.Api) -> None:
    route = made(api, tenant).json()
    api.post(f"/api/routes/{route['id']}/purge-cache")
    before = desired(tenant)
    with tenant_scope(tenant):
        row = Route.objects.get()
        api.delete(f"/api/routes/{route['id']}")
        Route.objects.create(**{field.attname: getattr(row, field.attname) for field in Route._meta.concrete_fields})
    assert desired(tenant) == before


def test_who_may_purge_and_what_cannot_be(tenant: Tenant, api: build.Api) -> None:
    path = f"/api/routes/{made(api, tenant).json()['id']}/purge-cache"
    assert api_of(tenant, Role.VIEWER).post(path).status_code == 403
    assert api_of(build.tenant()).post(path).status_code == 404
    assert api.post(path, {"x": 1}).status_code in (400, 422)
    refused = api.post(f"/api/routes/{build.route(tenant).pk}/purge-cache")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_cache")


def test_the_tester_says_whether_it_would_be_kept(tenant: Tenant, api: build.Api) -> None:
    made(api, tenant)
    build.route(tenant, host="b.test")

    def told(**asked: Any) -> Any:
        return api.post("/api/routes/test", {"host": "a.test", **asked}).json()["cache"]

    assert told() == {"ttl": "60s", "because": ""}
    assert told(host="b.test") is None
    assert told(method="POST")["because"] == "method"
    asked = {"Authorization": "x", "Cookie": "a=b", "Range": "bytes=0-1", "Content-Length": "1", "Upgrade": "x"}
    asked["X-Original-URL"] = "/x"
    because = [told(headers={name: value})["because"] for name, value in asked.items()]
    assert because == ["authorization", "cookie", "range", "body", "upgrade", "override"]
