"""Changes as a whole, on the real road: rolled back, done in bulk, staged, and tried on one node."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.live.origins import start
from tests.live.road.conftest import Site, post
from tests.live.runtime import pid
from tests.live.runtime import reloads as reloaded
from tests.live.stack import Stack, until

pytestmark = pytest.mark.live
Make = Callable[..., Site]


@pytest.fixture
def set_delivery(stack: Stack) -> Iterator[Callable[..., None]]:
    """As it was, after the test."""
    with stack.api() as api:

        def put(**values: Any) -> None:
            answer = api.put("/delivery", json=values)
            assert answer.status_code == 200, answer.text

        yield put
        if api.get("/changes").json()["total_count"]:
            api.post("/changes/discard", json={})
        put(deploy="automatic", canary=False)


def newest(api: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/revisions", params={"ordering": "-number", "page_size": 1}).json()["items"][0]
    return found


def settled(api: httpx.Client) -> int:
    """The newest revision's number, once every node runs it."""
    until(lambda: not api.get("/config").json()["drift"], what="all nodes on the newest revision")
    return int(newest(api)["number"])


def reloads(api: httpx.Client, number: int) -> dict[str, int]:
    """How often each node reloaded for a revision, by its own steps."""
    rows = api.get("/deployments", params={"revision": number}).json()["items"]
    return {
        row["node"]: sum(step["kind"] == "reload" for step in row["steps"]) for row in rows if row["state"] == "live"
    }


def test_d5_a_rollback_brings_traffic_back_at_once(make_site: Make) -> None:
    site = make_site(1)
    good = settled(site.api)
    answer = site.api.delete(f"/routes/{site.route['id']}", headers={"Prefer": "wait=20"})
    assert answer.json()["change"]["state"] == "live"
    until(lambda: site.ask().statuses == {421: 1}, what="nobody's host")
    done = post(site.api, f"/revisions/{good}/rollback", {"note": "back"}, status=200, Prefer="wait=20")
    assert done["change"]["state"] == "live"
    assert done["number"] > good
    for node in (0, 1):
        assert site.ask(20, node).by == {site.origins[0].name: 20}


def test_k7_five_hundred_items_are_one_revision_and_one_reload(make_site: Make) -> None:
    site = make_site(1)
    before = settled(site.api)
    operations = [
        {
            "kind": "pool",
            "action": "add",
            "ref": f"b{n}",
            "data": {"name": f"bulk {n}", "health_check": {"type": "none"}},
        }
        for n in range(166)
    ]
    for n in range(166):
        operations += [
            {"kind": "backend", "action": "add", "data": {"pool": f"ref:b{n}", "address": site.origins[0].address}},
            {"kind": "route", "action": "add", "data": {"pool": f"ref:b{n}", "host": f"bulk{n}.test"}},
        ]
    operations += [
        {"kind": "route", "action": "add", "data": {"pool": "ref:b0", "host": f"more{n}.test"}} for n in (1, 2)
    ]
    assert len(operations) == 500
    counted = [reloaded(node) for node in site.stack.nodes]
    done = post(site.api, "/bulk", {"operations": operations}, status=200, Prefer="wait=30")
    assert done["change"] == {"edit": done["change"]["edit"], "revision": before + 1, "state": "live", "waiting": []}
    assert [reloaded(node) for node in site.stack.nodes] == [count + 1 for count in counted]
    site.host = "bulk165.test"
    assert site.ask(10).by == {site.origins[0].name: 10}
    gone = [
        {"kind": kind, "action": "delete", "id": result["id"]}
        for operation, result in zip(operations, done["results"], strict=True)
        for kind in [operation["kind"]]
        if kind != "backend"
    ]
    post(site.api, "/bulk", {"operations": gone}, status=200, Prefer="wait=30")
    assert site.ask().statuses == {421: 1}


def test_what_is_staged_is_not_served_until_deployed_and_the_impact_is_true(
    make_site: Make, set_delivery: Callable[..., None]
) -> None:
    site = make_site(1)
    before = settled(site.api)
    set_delivery(deploy="staged")
    other = start("other")
    try:
        site.add(other)
        assert site.api.get("/changes").json()["total_count"] == 1
        assert set(site.ask(20).by) == {site.origins[0].name}
        preview = post(site.api, "/changes/preview", status=200)
        assert preview["impact"]["summary"] == "runtime only"
        made = post(site.api, "/changes/deploy", {"note": "one more"}, status=200, Prefer="wait=20")
        assert made["number"] == before + 1
        assert sum(reloads(site.api, made["number"]).values()) == 0
        site.answered_by({site.origins[0].name, other.name})
        answer = site.api.patch(f"/pools/{site.pool['id']}", json={"algorithm": "least_conn"})
        assert answer.json()["change"]["state"] == "saved"
        preview = post(site.api, "/changes/preview", status=200)
        assert preview["impact"]["summary"] == "reload on 2 nodes"
        made = post(site.api, "/changes/deploy", status=200, Prefer="wait=20")
        assert reloads(site.api, made["number"]) == {"n1": 1, "n2": 1}
    finally:
        other.stop()


def test_a_canary_that_fails_is_taken_back_by_itself(make_site: Make, set_delivery: Callable[..., None]) -> None:
    """The pool's check begins to want what no origin answers: on the node that tries it, nobody is healthy any more."""
    site = make_site(1)
    before = settled(site.api)
    set_delivery(deploy="automatic", canary=True, canary_seconds=30)
    check = {**site.pool["health_check"], "expected_status": "404"}
    assert site.api.patch(f"/pools/{site.pool['id']}", json={"health_check": check}).status_code == 200
    until(lambda: int(newest(site.api)["number"]) == before + 2, within=90, what="a revision that takes it back")
    assert "halted, back to" in newest(site.api)["note"]
    assert "is healthy" in newest(site.api)["note"]
    settled(site.api)
    assert site.api.get(f"/pools/{site.pool['id']}").json()["health_check"]["expected_status"] == "200-399"
    site.answered_by({site.origins[0].name})
    rows = site.api.get("/deployments", params={"revision": before + 1}).json()["items"]
    assert {row["node"]: row["state"] for row in rows} == {"n1": "failed", "n2": "superseded"}
    assert all("is healthy" in row["reason"] for row in rows)


def test_d9_a_reload_without_a_difference(make_site: Make) -> None:
    site = make_site(1)
    settled(site.api)
    before = [pid(node) for node in site.stack.nodes]
    done = post(site.api, "/reload", status=202)
    assert done["nodes"] == ["n1", "n2"]
    until(lambda: all(pid(n) != was for n, was in zip(site.stack.nodes, before, strict=True)), what="new workers")
    assert site.ask(50).by == {site.origins[0].name: 50}
