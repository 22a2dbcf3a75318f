"""What nodes are told, and what becomes of what they say."""

import json
import threading
import time
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from balancer import enqueue, tasks
from balancer.edge import signing
from balancer.fleet.models import Deployment, Edit, Node
from balancer.queries import changes
from balancer.services import deployments, revisions
from balancer.services.nodes import key_of
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.balancer.threads import in_threads

Told = list[dict[str, Any]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, committed: World) -> Told:
    """Every message to a node, its signature checked."""
    messages: Told = []

    def converge(node_id: str, body: str, signature: str) -> None:
        with platform_scope():
            signing.verify(key_of(Node.objects.get(pk=node_id)), body, signature)
        messages.append(json.loads(body))

    monkeypatch.setattr(enqueue, "converge", converge)
    monkeypatch.setattr(enqueue, "cut", lambda tenant_id, request_id="": None)
    with platform_scope():
        Node.objects.update(generation=0, asked_generation=0, asked_at=None, heartbeat_at=None, reported_at=0)
    return messages


def deploy(tenant: Tenant) -> int:
    """One more pool, cut. The snapshot's generation."""
    build.pool(tenant)
    with tenant_scope(tenant):
        revision = revisions.cut(tenant.pk, now=timezone.now())
        assert revision is not None
        return int(Deployment.objects.filter(revision=revision)[0].generation)


def report(node: Node, tenant: Tenant, generation: int, outcome: str, *, at: float = 1.0, **more: Any) -> None:
    about = {"tenant": tenant.key, "generation": generation, "digest": "", "outcome": outcome, "steps": []} | more
    body = {"node": node.pk, "generation": generation, "outcome": "converged", "at": at, "version": "2.6.12"}
    with platform_scope():
        deployments.reported(node, {**body, "tenants": [about]}, now=timezone.now())


def nodes() -> list[Node]:
    with platform_scope():
        return list(Node.objects.select_related("cluster").order_by("name"))


def state(tenant: Tenant, node: Node) -> str:
    with tenant_scope(tenant):
        return str(Deployment.objects.filter(node=node).latest("generation").state)


def test_a_node_is_told_only_what_came_after_what_it_was_told(committed: World, told: Told) -> None:
    deploy(committed.ours)
    deploy(committed.theirs)
    mine = [message for message in told if message["node"] == nodes()[0].pk]
    assert [[f["tenant"] for f in message["fragments"]] for message in mine] == [
        [committed.ours.key],
        [committed.theirs.key],
    ]
    assert mine[1]["since"] == mine[0]["generation"]


def test_a_node_that_is_behind_is_told_again_from_where_it_is(committed: World, told: Told) -> None:
    deploy(committed.ours)
    generation = deploy(committed.theirs)
    told.clear()
    node = nodes()[0]
    body = {"node": node.pk, "generation": 0, "outcome": "behind", "at": 1.0, "version": "", "tenants": []}
    with platform_scope():
        deployments.reported(node, body, now=timezone.now())
    assert [(message["since"], message["generation"]) for message in told] == [(0, generation)]
    assert {f["tenant"] for f in told[0]["fragments"]} == {committed.ours.key, committed.theirs.key}


def test_a_node_that_is_away_is_told_by_the_sweep_when_it_returns(committed: World, told: Told) -> None:
    now = timezone.now()
    with platform_scope():
        Node.objects.update(heartbeat_at=now - timedelta(minutes=1), asked_at=now - timedelta(minutes=1))
    deploy(committed.ours)
    assert told == []
    with platform_scope():
        assert deployments.sweep(now=now) == 0, "still away"
        Node.objects.update(heartbeat_at=now)
        assert deployments.sweep(now=now) == 2
        assert deployments.sweep(now=now) == 0, "asked a moment ago"
    assert len(told) == 2


def test_a_change_is_live_when_every_node_says_so(committed: World, told: Told) -> None:
    generation = deploy(committed.ours)
    first, second = nodes()
    with tenant_scope(committed.ours):
        edit = Edit.objects.latest("id")
    report(first, committed.ours, generation, "live")
    with tenant_scope(committed.ours):
        assert changes.of(edit).state == "deploying"
        assert changes.of(edit).waiting == (second.name,)
    report(second, committed.ours, generation, "live")
    with tenant_scope(committed.ours):
        assert changes.of(edit).state == "live"


def test_a_change_that_was_overtaken_is_live_with_what_overtook_it(committed: World, told: Told) -> None:
    deploy(committed.ours)
    with tenant_scope(committed.ours):
        edit = Edit.objects.latest("id")
    newer = deploy(committed.ours)
    with tenant_scope(committed.ours):
        assert changes.of(edit).state == "deploying", "no node runs it yet"
    for node in nodes():
        report(node, committed.ours, newer, "live")
    with tenant_scope(committed.ours):
        assert (changes.of(edit).state, changes.of(edit).waiting) == ("live", ())
    later = deploy(committed.ours)
    report(nodes()[0], committed.ours, later, "failed", at=2.0)
    with tenant_scope(committed.ours):
        assert changes.of(edit).state == "live", "what ran it still does"


def test_a_writer_may_wait_until_the_fleet_runs_it(
    committed: World, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = build.api(committed.owner, committed.ours)
    late = api.post("/api/pools", {"name": "nobody cuts it"}, Prefer="wait=1").json()["change"]
    assert (late["state"], late["revision"]) == ("pending", None), "the time is over, and it says so"

    def cut_and_take(tenant_id: str, request_id: str = "") -> None:
        cut(committed.ours)
        for node in nodes():
            report(node, committed.ours, told[-1]["generation"], "live")

    monkeypatch.setattr(enqueue, "cut", cut_and_take)
    waited = api.post("/api/pools", {"name": "taken"}, Prefer="wait=10").json()["change"]
    assert (waited["state"], waited["revision"], waited["waiting"]) == ("live", 1, [])
    assert api.post("/api/pools", {"name": "at once"}).json()["change"]["state"] == "pending"


def test_a_node_that_tells_of_everyone_costs_what_moved(committed: World, told: Told) -> None:
    ours, theirs = deploy(committed.ours), deploy(committed.theirs)
    node = nodes()[0]
    report(node, committed.ours, ours, "live", at=1.0)
    report(node, committed.theirs, theirs, "live", at=1.0, steps=[{"kind": "look", "text": "once"}])
    everyone = [
        {"tenant": f"t{tenant.pk}", "generation": generation, "outcome": "live", "steps": [{"kind": "look"}]}
        for tenant, generation in ((committed.ours, ours), (committed.theirs, theirs))
    ]
    body = {"outcome": "converged", "generation": theirs, "at": 2.0}
    with platform_scope():
        with CaptureQueriesContext(connection) as nobody:
            deployments.reported(node, {**body, "tenants": []}, now=timezone.now())
        with CaptureQueriesContext(connection) as everybody:
            assert deployments.reported(node, {**body, "tenants": everyone}, now=timezone.now()) == []
        assert len(everybody) == len(nobody) + 1, "nothing moved: one look, whatever their number"
        everyone[0]["outcome"] = "failed"
        assert deployments.reported(node, {**body, "tenants": everyone}, now=timezone.now()) == [committed.ours.pk]
    assert (state(committed.ours, node), state(committed.theirs, node)) == ("failed", "live")
    with tenant_scope(committed.theirs):
        assert len(Deployment.objects.get(node=node, generation=theirs).steps) == 1


def test_reports_worked_off_in_the_wrong_order_end_live(committed: World, told: Told) -> None:
    generation = deploy(committed.ours)
    node = nodes()[0]
    report(node, committed.ours, generation, "live", at=2.0)
    report(node, committed.ours, generation, "reload_due", at=1.0)
    assert state(committed.ours, node) == "live"


def test_a_refusal_is_told_to_its_tenant_in_haproxys_words(committed: World, told: Told) -> None:
    generation = deploy(committed.ours)
    node = nodes()[0]
    report(
        node, committed.ours, generation, "refused", reason="Not accepted.", words="parsing [shard:3]: unknown keyword"
    )
    with tenant_scope(committed.ours):
        deployment = Deployment.objects.get(node=node)
        assert (deployment.state, deployment.words) == ("refused", "parsing [shard:3]: unknown keyword")
        assert changes.of(Edit.objects.latest("id")).state == "failed"
    with tenant_scope(committed.theirs):
        assert not Deployment.objects.exists()


def test_an_older_report_does_not_turn_the_node_back(committed: World, told: Told) -> None:
    older = deploy(committed.ours)
    newer = deploy(committed.ours)
    node = nodes()[0]
    report(node, committed.ours, newer, "live", at=2.0)
    report(node, committed.ours, older, "live", at=1.0)
    assert nodes()[0].generation == newer


def test_a_report_and_a_cut_at_once_do_not_end_in_a_deadlock(
    committed: World, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forced: the cut has superseded deployments, and inserts ones that point at the node which the report holds."""
    generation, node, held = deploy(committed.ours), nodes()[0], threading.Event()
    build.pool(committed.ours)
    note = deployments.note

    def note_slowly(*args: Any, **kwargs: Any) -> None:
        note(*args, **kwargs)
        held.set()
        time.sleep(0.3)

    def cut_meanwhile() -> None:
        held.wait(5)
        cut(committed.ours)

    monkeypatch.setattr(deployments, "note", note_slowly)
    in_threads(partial(report, node, committed.ours, generation, "live"), cut_meanwhile)
    assert state(committed.ours, node) == "queued", "the newer one"


def cut(tenant: Tenant) -> None:
    with tenant_scope(tenant):
        revisions.cut(tenant.pk, now=timezone.now())


def test_a_report_with_a_wrong_signature_changes_nothing(committed: World, told: Told) -> None:
    generation = deploy(committed.ours)
    node, other = nodes()
    body = json.dumps({"node": node.pk, "generation": generation, "outcome": "converged", "at": 1, "tenants": []})
    tasks.report(node.pk, body, signing.sign(key_of(other), body))
    held = nodes()[0]
    assert (held.generation, held.heartbeat_at, held.outcome) == (0, None, "never")
    assert held.refused_at is not None, "staff see that somebody tried"


def test_a_retry_is_a_new_generation_of_the_newest_revision(committed: World, told: Told) -> None:
    generation = deploy(committed.ours)
    node = nodes()[0]
    report(node, committed.ours, generation, "failed", reason="no answer")
    with tenant_scope(committed.ours):
        failed = Deployment.objects.get(node=node)
    told.clear()
    answer = build.api(committed.owner, committed.ours).post(f"/api/deployments/{failed.pk}/retry")
    assert answer.status_code == 202, answer.content
    assert {message["generation"] for message in told} == {generation + 1}
    assert state(committed.ours, node) == "queued"
    for each in nodes():
        report(each, committed.ours, generation + 1, "live", at=2.0)
    with tenant_scope(committed.ours):
        assert {changes.of(edit).state for edit in Edit.objects.exclude(revision=None)} == {"live"}
        assert Deployment.objects.get(pk=failed.pk).reason == "no answer", "what it said is kept"


def test_the_clock_of_a_silent_node_is_not_touched(committed: World, told: Told) -> None:
    deploy(committed.ours)
    heard: list[datetime | None] = [node.heartbeat_at for node in nodes()]
    assert heard == [None, None]
