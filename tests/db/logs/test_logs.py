"""A tenant's own lines: kept in a bounded ring, found by filters, and nobody else's."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from balancer.haproxy.access_log import PER_SECOND
from balancer.queries import store
from balancer.queries.logs import mask
from balancer.services import logs
from tenants.roles import Role
from tests import build
from tests.conftest import World
from tests.db.logs.lines import keep

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept")]


def ask(world: World, query: str = "", person: Any = None) -> Any:
    return build.api(person or world.owner, world.ours).get(f"/api/logs{query}")


def paths(world: World, query: str = "") -> list[str]:
    answer = ask(world, query)
    assert answer.status_code == 200, answer.content
    return [one["path"] for one in answer.json()["items"]]


def test_another_tenants_lines_never_appear(world: World) -> None:
    now = timezone.now()
    keep(world.ours, {"path": "/ours"}, now=now)
    keep(world.theirs, {"path": "/theirs"}, now=now, left_out=9)
    assert paths(world) == ["/ours"]
    assert ask(world).json()["left_out"] == 0
    theirs = build.api(world.owner, world.ours).get(f"/api/tenants/{world.theirs.slug}/logs")
    assert theirs.status_code == 404


def test_a_line_says_what_a_request_was(world: World) -> None:
    now = timezone.now()
    keep(world.ours, {"server": "b" + "c" * 12 + "2", "status": 503}, now=now, left_out=4)
    body = ask(world).json()
    line = body["items"][0]
    assert line["id"] == "0b1f4a52-9c1e-4f0e-8d2a-1f2e3d4c5b6a"
    assert (line["status"], line["pool"], line["backend"], line["node"]) == (503, "p" * 12, "c" * 12, "n1")
    assert (line["total_ms"], line["tls"], body["left_out"], body["next"]) == (8, True, 4, None)


def test_filters_find(world: World) -> None:
    now = timezone.now()
    old = now - timedelta(hours=1)
    keep(
        world.ours,
        {"path": "/a/1", "status": 200, "host": "a.test", "at": old.timestamp()},
        {"path": "/a/2", "status": 404, "host": "b.test", "method": "POST"},
        {"path": "/b", "status": 500, "id": "11111111-9c1e-4f0e-8d2a-1f2e3d4c5b6a"},
        now=now,
    )
    assert paths(world) == ["/b", "/a/2", "/a/1"]
    assert paths(world, "?path=/a") == ["/a/2", "/a/1"]
    assert paths(world, "?status=404") == ["/a/2"]
    assert paths(world, "?status_class=5xx") == ["/b"]
    assert paths(world, "?host=B.test") == ["/a/2"]
    assert paths(world, "?method=post") == ["/a/2"]
    assert paths(world, "?id=11111111-9c1e-4f0e-8d2a-1f2e3d4c5b6a") == ["/b"]
    middle = (now - timedelta(minutes=30)).isoformat().replace("+", "%2B")
    assert paths(world, f"?until={middle}") == ["/a/1"]
    assert paths(world, f"?since={middle}") == ["/b", "/a/2"]


@pytest.mark.parametrize(
    "query",
    ["status=9", "status_class=6xx", "since=yesterday", "before=x", "page_size=501", "colour=red"],
)
def test_a_filter_that_means_nothing_is_refused(world: World, query: str) -> None:
    answer = ask(world, f"?{query}")
    assert answer.status_code == 422, answer.content
    assert f"/{query.partition('=')[0]}" in [error["pointer"] for error in answer.json()["errors"]]


def test_pages_go_on_where_they_were(world: World) -> None:
    now = timezone.now()
    keep(world.ours, *({"path": f"/{number}"} for number in range(5)), now=now)
    first = ask(world, "?page_size=2").json()
    assert [one["path"] for one in first["items"]] == ["/4", "/3"]
    keep(world.ours, {"path": "/new"}, now=now)
    second = build.api(world.owner, world.ours).get(first["next"].partition("testserver")[2]).json()
    assert [one["path"] for one in second["items"]] == ["/2", "/1"]
    assert second["has_more"] is True


def test_who_may_not_manage_people_sees_networks_only(world: World) -> None:
    keep(world.ours, {"source": "203.0.113.9"}, now=timezone.now())
    seen = {
        role: ask(world, person=build.member(world.ours, role)).json()["items"][0]["address"]
        for role in (Role.ADMIN, Role.OPERATOR, Role.VIEWER)
    }
    assert seen == {Role.ADMIN: "203.0.113.9", Role.OPERATOR: "203.0.113.0", Role.VIEWER: "203.0.113.0"}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("203.0.113.9", "203.0.113.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("::ffff:203.0.113.9", "203.0.113.0"),
        ("unix", ""),
    ],
)
def test_a_masked_address_is_a_network(address: str, shown: str) -> None:
    assert mask(address) == shown


def test_the_ring_is_bounded_and_ends_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST", 120)
    now = timezone.now()
    for number in range(4):
        keep(world.ours, *({"path": f"/{number}"} for _ in range(PER_SECOND)), now=now)
    key = store.logs_key(world.ours.key)
    assert store.client().xlen(key) == 120
    assert 29 * 86_400 < int(str(store.client().ttl(key))) <= 30 * 86_400  # the plan pro
    keep(world.ours, {"path": "/later"}, now=now + timedelta(days=31))
    assert paths(world) == []  # by Redis' clock it is 31 days old already
    keep(world.ours, {"path": "/now"}, now=now)
    assert paths(world) == ["/now"]
    logs.forget(world.ours.key)
    assert paths(world) == []


def test_a_tenant_that_is_no_more_leaves_nothing(world: World) -> None:
    now = timezone.now()
    gone = type(world.ours)(id="z" * 12, slug="gone")
    keep(gone, {"path": "/"}, now=now)
    assert store.client().keys("logs:*") == []


def test_lines_cost_no_queries(world: World) -> None:
    now = timezone.now()
    keep(world.ours, {"path": "/"}, now=now)
    client = build.api(world.owner, world.ours)
    client.get("/api/logs")
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/api/logs").status_code == 200
    assert len([query for query in queries if "set_config" not in query["sql"]]) == 2  # who asks
