"""`GET /api/debug/routes`: the tester's answer and the maps' entries, for a tenant's admins and for staff."""

import pytest

from tenants.roles import Role
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


def test_the_answer_and_the_entries_of_that_host_alone(world: World) -> None:
    spare = build.pool(world.ours)
    pool, other = build.pool(world.ours, backup_pool=spare.pk), build.pool(world.ours)
    plain = build.route(world.ours, pool, host="a.test", path_prefix="/api")
    build.route(world.ours, other, host="b.test")
    weighted = build.route(
        world.ours, pool, host="c.test", priority=1, conditions=[{"type": "header", "name": "X-A", "value": "1"}]
    )
    api = build.api(world.owner, world.ours)
    got = api.get("/api/debug/routes?host=a.test:8000&path=/api/x?y=1").json()
    key = world.ours.key
    assert (got["tenant"], got["route"], got["pool"], got["verdict"]) == (world.ours.pk, plain.pk, pool.pk, "pass")
    led = f"{key}_p{pool.pk}"
    assert got["maps"].pop("limits").keys() == {key}
    assert got["maps"] == {
        "hosts": {"a.test": key}, "routes": {"a.test/api/": led}, "fallbacks": {led: f"{key}_p{spare.pk}"},
    }  # fmt: skip
    routed = api.get("/api/debug/routes?host=c.test").json()
    assert routed["tried"] == [{"route": weighted.pk, "because": "conditions/0"}]
    assert routed["maps"]["leads"] == {f"{key}_r{weighted.pk}/": led}
    assert routed["maps"]["routes"]["c.test/"].startswith(f"{key}_h")


@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 200), (Role.OPERATOR, 403), (Role.VIEWER, 403)])
def test_it_is_for_admins(world: World, role: Role, status: int) -> None:
    api = build.api(build.member(world.ours, role), world.ours)
    assert api.get("/api/debug/routes?host=a.test").status_code == status


def test_staff_are_answered_for_whoever_has_the_host(world: World) -> None:
    pool = build.pool(world.ours)
    exact, wild = (build.route(world.ours, pool, host=host) for host in ("a.shop.test", "*.shop.test"))
    api = build.api(build.staff())
    assert api.get("/api/debug/routes?host=A.shop.test").json()["route"] == exact.pk
    found = api.get("/api/debug/routes?host=b.shop.test:8443").json()
    assert (found["tenant"], found["route"]) == (world.ours.pk, wild.pk)
    assert api.get("/api/debug/routes?host=nobody.test").status_code == 404


def test_anothers_host_is_none_here(world: World) -> None:
    build.route(world.theirs, host="their.test")
    got = build.api(world.owner, world.ours).get("/api/debug/routes?host=their.test").json()
    assert (got["status"], got["tenant"]) == (421, world.ours.pk)
    assert got["maps"].keys() == {"limits"}  # the tenant's own


@pytest.mark.parametrize("query", ["", "host=a.test&path=x", "host=a.test&method=get", "host=a.test&what=1"])
def test_what_no_request_can_be_is_refused(world: World, query: str) -> None:
    assert build.api(world.owner, world.ours).get(f"/api/debug/routes?{query}").status_code == 422
