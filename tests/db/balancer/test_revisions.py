"""From edits to a revision: nothing committed is ever missed, and nothing that traffic would not notice is deployed."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from balancer import enqueue
from balancer.fleet.models import Cluster, Deployment, Edit, Revision, Snapshot
from balancer.haproxy import codec
from balancer.models import Backend, Pool
from balancer.queries import desired_state
from balancer.services import backends, pools, revisions
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.balancer.threads import in_threads

Sent = list[tuple[str, str]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What nodes were told, instead of telling them."""
    told: Sent = []
    monkeypatch.setattr(enqueue, "converge", lambda node_id, body, signature: told.append((node_id, body)))
    monkeypatch.setattr(enqueue, "cut", lambda tenant_id, request_id="": None)
    return told


def cut(tenant: Tenant) -> Revision | None:
    with tenant_scope(tenant):
        return revisions.cut(tenant.pk, now=timezone.now())


def test_edits_are_gathered_into_one_numbered_revision(committed: World, sent: Sent) -> None:
    pool = build.pool(committed.ours)
    build.backend(committed.ours, pool)
    revision = cut(committed.ours)
    assert revision is not None
    assert revision.number == 1
    with tenant_scope(committed.ours):
        assert set(Edit.objects.values_list("revision__number", flat=True)) == {1}
        assert codec.digest(codec.from_json(revision.state)) == revision.digest
        assert Deployment.objects.filter(revision=revision, state="queued").count() == 2
    assert len(sent) == 2


def test_what_traffic_would_not_notice_makes_no_revision(committed: World, sent: Sent) -> None:
    pool = build.pool(committed.ours)
    first = cut(committed.ours)
    assert first is not None
    with tenant_scope(committed.ours):
        pools.update(pool, {"description": "for the shop"}, by=build.actor(), now=timezone.now())
    assert cut(committed.ours) is None
    with tenant_scope(committed.ours):
        assert set(Edit.objects.values_list("revision__number", flat=True)) == {1}


def test_a_cut_without_edits_does_nothing(committed: World, sent: Sent) -> None:
    assert cut(committed.ours) is None
    assert sent == []


@pytest.mark.parametrize("round_", range(10))
def test_a18_an_edit_that_commits_during_a_cut_is_never_lost(committed: World, sent: Sent, round_: int) -> None:
    """The overlap is forced: the writer has written before the cut begins, and commits while it runs."""
    pool = build.pool(committed.ours)
    written, go_on = threading.Event(), threading.Event()

    def writer() -> None:
        with tenant_scope(committed.ours), transaction.atomic():
            backends.add(pool, backends.NewBackend("127.0.0.9:80"), by=build.actor(), now=timezone.now())
            written.set()
            go_on.wait(10)

    def cutter() -> None:
        written.wait(10)
        threading.Timer(0.002 * round_, go_on.set).start()
        cut(committed.ours)

    in_threads(writer, cutter)
    cut(committed.ours)
    with tenant_scope(committed.ours):
        newest = Revision.objects.latest("number")
        assert "127.0.0.9" in str(newest.state)
        assert not Edit.objects.filter(revision=None).exists()


def test_two_cuts_of_one_tenant_make_one_revision(committed: World, sent: Sent) -> None:
    build.pool(committed.ours)
    in_threads(*[lambda: cut(committed.ours)] * 4)
    with tenant_scope(committed.ours):
        assert Revision.objects.count() == 1


def test_two_tenants_at_once_get_different_generations_in_commit_order(committed: World, sent: Sent) -> None:
    build.pool(committed.ours)
    build.pool(committed.theirs)
    in_threads(lambda: cut(committed.ours), lambda: cut(committed.theirs))
    with platform_scope():
        generations = sorted(Snapshot.objects.values_list("generation", flat=True))
        assert len(set(generations)) == 2
        assert Cluster.objects.get().generation == generations[-1]


def test_a_newer_revision_supersedes_what_was_under_way(committed: World, sent: Sent) -> None:
    pool = build.pool(committed.ours)
    cut(committed.ours)
    build.backend(committed.ours, pool)
    cut(committed.ours)
    with tenant_scope(committed.ours):
        states = list(Deployment.objects.order_by("revision__number").values_list("revision__number", "state"))
    assert states == [(1, "superseded"), (1, "superseded"), (2, "queued"), (2, "queued")]


def test_the_sweep_finds_tenants_with_edits_in_one_query(committed: World, sent: Sent) -> None:
    build.pool(committed.ours)
    build.pool(committed.theirs)
    with platform_scope(), CaptureQueriesContext(connection) as queries:
        assert set(revisions.uncut_tenants(10)) == {committed.ours.pk, committed.theirs.pk}
    assert len(queries) == 1


def test_a_state_is_sent_to_the_database_once_and_to_nodes_as_it_is_kept(committed: World, sent: Sent) -> None:
    """A tenant of 10,000 backends is megabytes: what was kept is copied where it lies."""
    fill(committed.ours, 3)
    with tenant_scope(committed.ours):
        backends.add(
            Pool.objects.latest("name"), backends.NewBackend("127.0.0.9:80"), by=build.actor(), now=timezone.now()
        )
        with CaptureQueriesContext(connection) as queries:
            revision = cut(committed.ours)
        assert revision is not None
        snapshot = Snapshot.objects.get(tenant=committed.ours)
        assert snapshot.state == revision.state == codec.to_json(desired_state.of(committed.ours))
    assert sum('"servers"' in query["sql"] for query in queries) == 1
    fragments = [fragment for _, body in sent for fragment in json.loads(body)["fragments"]]
    assert fragments
    for fragment in fragments:
        assert (fragment["state"], fragment["digest"]) == (snapshot.state, revision.digest)


@pytest.mark.django_db
def test_desired_state_costs_the_same_queries_at_any_size(world: World) -> None:
    counts = []
    for size in (1, 30):
        fill(world.ours, size)
        with tenant_scope(world.ours), CaptureQueriesContext(connection) as queries:
            state = desired_state.of(world.ours)
        counts.append(len(queries))
    assert len(state.pools) == 31
    assert counts == [4, 4]


def fill(tenant: Tenant, size: int) -> None:
    now: Any = timezone.now() + timedelta(seconds=size)
    with tenant_scope(tenant):
        made = Pool.objects.bulk_create(Pool(name=f"{size} {n}", created_at=now, updated_at=now) for n in range(size))
        Backend.objects.bulk_create(
            Backend(pool=pool, ip="10.0.0.1", port=80 + n, created_at=now, updated_at=now)
            for pool in made
            for n in range(3)
        )
