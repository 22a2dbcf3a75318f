"""`POST /api/routes/test`: the route, the pool, the backends and why, of one's own tenant alone."""

from typing import Any

import pytest

from tenants.models import Tenant
from tenants.roles import Role
from tests import build

pytestmark = pytest.mark.django_db


def api_of(tenant: Tenant, role: Role = Role.OWNER) -> build.Api:
    return build.Api(f"Bearer {build.key(tenant, build.member(tenant, role), role)[1]}")


def told(api: build.Api, **body: Any) -> dict[str, Any]:
    answer = api.post("/api/routes/test", {"host": "a.test", **body})
    assert answer.status_code == 200, answer.json()
    found: dict[str, Any] = answer.json()
    return found


def test_it_names_route_pool_and_backends() -> None:
    tenant = build.tenant()
    pool, other = build.pool(tenant), build.pool(tenant)
    ready = build.backend(tenant, pool, address="10.0.0.1:80")
    build.backend(tenant, pool, address="10.0.0.2:80", weight=0)
    plain = build.route(tenant, pool, host="a.test")
    posts = build.route(
        tenant, other, host="a.test", conditions=[{"type": "method", "op": "equals", "value": "POST"}], priority=5
    )
    api = api_of(tenant, Role.VIEWER)
    got = told(api)
    assert (got["route"], got["pool"], got["verdict"]) == (plain.pk, pool.pk, "pass")
    assert [(one["id"], one["address"]) for one in got["backends"]] == [(ready.pk, "10.0.0.1:80")]
    assert got["tried"] == [{"route": posts.pk, "because": "conditions/0"}, {"route": plain.pk, "because": ""}]
    assert "after 1 that did not fit" in got["why"]
    assert told(api, method="POST")["route"] == posts.pk
    assert (told(api, host="b.test")["verdict"], told(api, host="b.test")["status"]) == ("no_route", 421)


def test_another_tenants_host_is_no_host_here() -> None:
    build.route(build.tenant(), host="a.test")
    assert told(api_of(build.tenant()))["status"] == 421


@pytest.mark.parametrize("wrong", [{"path": "x"}, {"path": "/a#b"}, {"method": "get"}, {"source": "here"}, {"x": 1}])
def test_what_no_request_can_be_is_refused(wrong: dict[str, Any]) -> None:
    answer = api_of(build.tenant()).post("/api/routes/test", {"host": "a.test", **wrong})
    assert answer.status_code in (400, 422)
