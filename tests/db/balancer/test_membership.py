"""All backends of a pool in one PUT: all or nothing, and the smallest change."""

from typing import Any

import pytest

from balancer.fleet.models import Edit
from balancer.models import Backend, Pool
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import build

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return build.tenant()


@pytest.fixture
def pool(tenant: Tenant) -> Pool:
    return build.pool(tenant)


@pytest.fixture
def api(tenant: Tenant) -> build.Api:
    return build.api(build.member(tenant), tenant)


def put(api: build.Api, pool: Pool, *backends: dict[str, Any], status: int = 200) -> Any:
    answer = api.put(f"/api/pools/{pool.pk}/backends", {"backends": list(backends)})
    assert answer.status_code == status, answer.content
    return answer.json()


def rows(tenant: Tenant) -> dict[str, Backend]:
    with tenant_scope(tenant):
        return {str(row): row for row in Backend.objects.all()}


def test_the_same_addresses_stay_the_same_servers(api: build.Api, pool: Pool, tenant: Tenant) -> None:
    first = put(
        api, pool, {"address": "10.0.0.1:80"}, {"address": "10.0.0.2:80", "weight": 5}, {"address": "10.0.0.3:80"}
    )
    assert sorted(one["address"] for one in first["items"]) == ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]
    before = rows(tenant)
    assert api.post(f"/api/backends/{before['10.0.0.2:80'].pk}/drain", {}).status_code == 200
    second = put(
        api, pool, {"address": "10.0.0.2:80"}, {"address": "10.0.0.4:80", "admin": "maint"}, {"address": "10.0.0.1:80"}
    )
    after = rows(tenant)
    assert set(after) == {"10.0.0.1:80", "10.0.0.2:80", "10.0.0.4:80"}
    for address in ("10.0.0.1:80", "10.0.0.2:80"):
        assert (after[address].pk, after[address].key) == (before[address].pk, before[address].key)
    assert (after["10.0.0.2:80"].admin, after["10.0.0.2:80"].weight) == ("drain", 100)
    assert after["10.0.0.4:80"].admin == "maint"
    assert second["change"] is not None
    with tenant_scope(tenant):
        edits = Edit.objects.order_by("-id").values_list("act", "name")[:3]
    assert sorted(edits) == [("create", "10.0.0.4:80"), ("delete", "10.0.0.3:80"), ("update", "10.0.0.2:80")]
    again = put(
        api, pool, {"address": "10.0.0.2:80"}, {"address": "10.0.0.4:80", "admin": "maint"}, {"address": "10.0.0.1:80"}
    )
    assert again["change"] is None


def test_one_that_is_wrong_leaves_everything_as_it_is(api: build.Api, pool: Pool, tenant: Tenant) -> None:
    put(api, pool, {"address": "10.0.0.1:80"})
    wrong = put(api, pool, {"address": "10.0.0.2:80"}, {"address": "169.254.169.254:80"}, status=422)
    assert wrong["errors"][0]["pointer"] == "/backends/1/address"
    twice = put(api, pool, {"address": "10.0.0.3:80"}, {"address": "10.0.0.3:80"}, status=409)
    assert twice["errors"][0]["pointer"] == "/backends/1/address"
    put(api, pool, {"address": "10.0.0.2:80", "weight": 300}, status=422)
    assert set(rows(tenant)) == {"10.0.0.1:80"}


def test_other_pools_keep_theirs_and_none_is_a_list_too(api: build.Api, pool: Pool, tenant: Tenant) -> None:
    other = build.pool(tenant)
    put(api, other, {"address": "10.0.0.9:80"})
    put(api, pool, {"address": "10.0.0.1:80"})
    put(api, pool)
    assert set(rows(tenant)) == {"10.0.0.9:80"}
