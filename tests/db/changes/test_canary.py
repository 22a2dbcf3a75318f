"""One node first: what it shows decides, and what follows happens by itself, with the reason."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from balancer import enqueue
from balancer.fleet.models import Deployment, Edit, Node
from balancer.models import Pool
from balancer.queries import objects, store
from balancer.services import canary, pools, trials
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.db.changes.conftest import Fleet


@pytest.fixture(autouse=True)
def nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enqueue, "watch", lambda tenant_id, once=False: None)


@pytest.fixture
def site(fleet: Fleet) -> Fleet:
    """Live on both nodes, with a hundred requests that went well."""
    pool = build.pool(fleet.tenant, name="shop")
    build.backend(fleet.tenant, pool)
    build.backend(fleet.tenant, pool)
    build.route(fleet.tenant, pool, host="a.test")
    fleet.cut()
    fleet.live()
    store.client().delete(store.logs_key(fleet.tenant.key))
    shown(fleet, requests=100, errors=1)
    fleet.api.put("/api/delivery", {"deploy": "automatic", "canary": True, "canary_seconds": 30})
    return fleet


def shown(fleet: Fleet, *, requests: int, errors: int, up: int = 2) -> None:
    with tenant_scope(fleet.tenant):
        pool = Pool.objects.get(name="shop")
    row = {"sessions": 0, "rate": 0, "queue": 0, "requests": requests, "errors_5xx": errors, "at": 1.0}
    rows: dict[Any, Any] = {f"{pool.key}|n1": json.dumps(row)}
    for number in range(2):
        rows[f"{pool.key}/b{number}|n1"] = json.dumps({"oper": "up" if number < up else "down", "admin": "ready"})
    client = store.client()
    client.delete(store.status_key(fleet.tenant.key))
    client.hset(store.status_key(fleet.tenant.key), mapping=rows)


def change(fleet: Fleet, **changes: Any) -> None:
    with tenant_scope(fleet.tenant):
        pools.update(Pool.objects.get(name="shop"), changes, by=build.actor(), now=timezone.now())


def watch(fleet: Fleet, *, after: int = 0) -> canary.Step:
    """So many seconds later, with nodes that spoke until then."""
    now = timezone.now() + timedelta(seconds=after)
    with platform_scope():
        Node.objects.update(heartbeat_at=now)
    with tenant_scope(fleet.tenant):
        return canary.watch(fleet.tenant.pk, now=now)


def test_only_one_node_is_told_first(site: Fleet) -> None:
    change(site, retries=0)
    site.told.clear()
    made = site.cut()
    assert made is not None
    assert [one["state"]["pools"][0]["retries"] for one in site.last_told("n1")["fragments"]] == [0]
    assert all(not message["fragments"] for message in site.told.get("n2", []))
    assert site.states() == {"n1": "queued", "n2": "queued"}
    with tenant_scope(site.tenant):
        assert Deployment.objects.get(revision=made, node__name="n2").reason == "Waits for n1, which tries it first."


def test_nothing_worse_and_all_have_it(site: Fleet) -> None:
    change(site, retries=0)
    site.cut()
    site.live(on="n1")
    assert watch(site) is canary.Step.WAITING
    shown(site, requests=200, errors=2)
    assert watch(site, after=29) is canary.Step.WAITING
    assert watch(site, after=31) is canary.Step.PROMOTED
    assert [one["state"]["pools"][0]["retries"] for one in site.last_told("n2")["fragments"]] == [0]
    site.live()
    assert site.states() == {"n1": "live", "n2": "live"}
    assert site.newest().number == 2
    assert "Nothing got worse" in site.trial().verdict


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (
            {"requests": 140, "errors": 21},
            "20 of 40 requests were answered with a 5xx (50%); since its HAProxy started, before, it was 1.0%.",
        ),
        ({"requests": 110, "errors": 1, "up": 0}, "No backend of the pool shop is healthy; 2 of 2 were before."),
    ],
)
def test_it_is_taken_back_by_itself_with_the_reason(site: Fleet, seen: dict[str, int], reason: str) -> None:
    with tenant_scope(site.tenant):
        before = objects.current()
    change(site, retries=0, description="worse")
    site.cut()
    site.live(on="n1")
    assert watch(site) is canary.Step.WAITING
    shown(site, **seen)
    assert watch(site, after=3) is canary.Step.HALTED
    with tenant_scope(site.tenant):
        assert objects.current() == before
        told = Deployment.objects.get(revision__number=2, node__name="n1")
        assert (told.state, told.reason) == ("failed", f"Halted: On n1: {reason}")
    newest = site.newest()
    assert (newest.number, newest.note) == (3, f"r2 halted, back to r1: On n1: {reason}")
    for node in ("n1", "n2"):
        assert site.last_told(node)["fragments"][0]["state"]["pools"][0]["retries"] == 2
    site.live()
    assert site.states() == {"n1": "live", "n2": "live"}
    assert watch(site) is canary.Step.NONE


def test_what_haproxy_refuses_is_taken_back_at_once(site: Fleet) -> None:
    change(site, retries=0)
    site.cut()
    site.report("refused", on="n1", reason="HAProxy does not accept this.")
    assert watch(site) is canary.Step.HALTED
    assert "did not take it: HAProxy does not accept this." in site.newest().note


def test_a_node_that_says_nothing_is_not_waited_for_for_ever(site: Fleet) -> None:
    change(site, retries=0)
    site.cut()
    assert watch(site, after=59) is canary.Step.WAITING
    assert watch(site, after=61) is canary.Step.HALTED


def test_a_change_meanwhile_waits_and_is_not_lost(site: Fleet) -> None:
    change(site, retries=0)
    site.cut()
    build.pool(site.tenant, name="new")
    assert site.cut() is None
    site.live(on="n1")
    shown(site, requests=140, errors=40)
    assert watch(site) is canary.Step.HALTED
    with tenant_scope(site.tenant):
        assert Pool.objects.get(name="shop").retries == 2
        assert Pool.objects.filter(name="new").exists()
    assert len(site.newest().state["pools"]) == 2


def test_staged_changes_wait_again_to_be_mended(site: Fleet) -> None:
    site.api.put("/api/delivery", {"deploy": "staged"})
    change(site, retries=0)
    site.post("changes/deploy", {"canary": True})
    site.live(on="n1")
    shown(site, requests=140, errors=40)
    assert watch(site) is canary.Step.HALTED
    assert site.newest().state["pools"][0]["retries"] == 2
    waiting = site.get("changes")["items"]
    assert [(one["act"], one["after"]) for one in waiting] == [("update", {"retries": 0})]
    with tenant_scope(site.tenant):
        assert Pool.objects.get(name="shop").retries == 0


def test_a_rollback_meanwhile_ends_it(site: Fleet) -> None:
    change(site, retries=0)
    site.cut()
    site.post("revisions/1/rollback")
    assert site.trial().ended_at is not None
    assert site.last_told("n2")["fragments"][0]["state"]["pools"][0]["retries"] == 2
    assert watch(site) is canary.Step.NONE


def test_where_one_node_is_alone_it_is_as_always(site: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "wanted", lambda tenant_id, asked: None)
    change(site, retries=0)
    site.cut()
    assert site.last_told("n2")["fragments"]


def test_what_is_under_way_is_withdrawn_and_what_was_live_is_said(fleet: Fleet) -> None:
    pool = build.pool(fleet.tenant, name="shop")
    fleet.cut()
    fleet.live()
    change(fleet, retries=0)
    fleet.cut()
    fleet.live(on="n1")
    with tenant_scope(fleet.tenant):
        queued = Deployment.objects.get(revision__number=2, node__name="n2")
    answer = fleet.post(f"deployments/{queued.pk}/abort", status=202)
    assert (answer["revision"], answer["live_on"], answer["note"]) == (3, ["n1"], "r2 aborted, back to r1")
    with tenant_scope(fleet.tenant):
        assert Pool.objects.get(pk=pool.pk).retries == 2
        queued.refresh_from_db()
        assert (queued.state, queued.reason) == ("superseded", "Withdrawn before it began.")
        assert not Edit.objects.filter(revision=None).exists()
    fleet.live()
    fleet.post(f"deployments/{queued.pk}/abort", status=409)


def logged(fleet: Fleet, *, node: str, good: int, bad: int, seconds_ago: float) -> None:
    """What the access log has."""
    at = timezone.now().timestamp() - seconds_ago
    client = store.client()
    for status in [200] * good + [503] * bad:
        line = {"node": node, "proxy": f"{fleet.tenant.key}_pweb", "status": status, "at": at}
        client.xadd(store.logs_key(fleet.tenant.key), {"line": json.dumps(line)})


def test_before_is_just_before_where_the_log_knows(site: Fleet) -> None:
    """Over its whole life the node had 1 % of errors, and in the last minutes 40 %: half of them is not worse."""
    logged(site, node="n1", good=50, bad=0, seconds_ago=4000)
    logged(site, node="n2", good=50, bad=0, seconds_ago=20)
    logged(site, node="n1", good=18, bad=12, seconds_ago=60)
    change(site, retries=0)
    site.cut()
    lately = site.trial().before["lately"]
    assert (lately["requests"], lately["errors"]) == (30, 12)
    assert 59 <= lately["seconds"] <= 70
    site.live(on="n1")
    shown(site, requests=140, errors=18)  # 17 of 40
    assert watch(site) is canary.Step.WAITING
    shown(site, requests=140, errors=31)  # 30 of 40
    assert watch(site, after=3) is canary.Step.HALTED
    assert "30 of 40 requests were answered with a 5xx (75%); in the " in site.trial().verdict
    assert "s before it was 40.0%." in site.trial().verdict


def test_a_few_requests_before_say_nothing(site: Fleet) -> None:
    logged(site, node="n1", good=0, bad=5, seconds_ago=10)
    change(site, retries=0)
    site.cut()
    site.live(on="n1")
    shown(site, requests=140, errors=21)
    assert watch(site) is canary.Step.HALTED
    assert "since its HAProxy started, before, it was 1.0%." in site.trial().verdict
