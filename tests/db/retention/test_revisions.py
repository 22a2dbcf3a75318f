"""What is old of revisions, edits and deployments goes; what is served, or on its way, stays."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from balancer import enqueue
from balancer.fleet.models import Deployment, DeploymentState, Edit, Node, Revision, Snapshot
from balancer.services import backends, deployments, retention, revisions
from tenants.models import Tenant
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World

NOW = timezone.now()
LIVE, REFUSED = DeploymentState.LIVE, DeploymentState.REFUSED


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def history(tenant: Tenant, *days: float) -> list[Revision]:
    """A revision for each: an edit of then, cut then, and live on every node then."""
    backend = build.backend(tenant)
    with tenant_scope(tenant):
        revisions.cut(tenant.pk, now=ago(days[0] + 1))
    made = [change(tenant, backend, weight, one) for weight, one in enumerate(days, 1)]
    with platform_scope():
        first = Revision.objects.filter(tenant=tenant, number__lt=made[0].number)
        Edit.objects.filter(revision__in=first).update(at=ago(days[0] + 1))
        Deployment.objects.filter(revision__in=first).delete()
    return made


def change(tenant: Tenant, backend: Any, weight: int, days: float, outcome: str = LIVE) -> Revision:
    with tenant_scope(tenant):
        backends.set_weight(backend, weight, by=build.actor(), now=ago(days))
        made = revisions.cut(tenant.pk, now=ago(days))
    assert made is not None
    with platform_scope():
        Deployment.objects.filter(revision=made).update(state=outcome, finished_at=ago(days))
    return made


def numbers(tenant: Tenant) -> list[int]:
    with platform_scope():
        return list(Revision.objects.filter(tenant=tenant).order_by("number").values_list("number", flat=True))


def forget(**values: Any) -> int:
    with platform_scope():
        return retention.forget_old(now=NOW, **values)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)


@pytest.mark.parametrize(("plan", "days"), [("free", 30), ("pro", 30), ("business", 90)])
def test_a_plans_days_of_history_are_kept_thirty_at_least(committed: World, many: None, plan: str, days: int) -> None:
    tenant = build.tenant(plan=plan)
    made = history(tenant, days + 20, days + 10, days + 1, days - 1, 1)
    young = [one.number for one in made[3:]]
    forget()
    assert numbers(tenant) == young
    with platform_scope():
        assert {edit.revision_id for edit in Edit.objects.filter(tenant=tenant)} == {one.pk for one in made[3:]}
        assert set(Deployment.objects.filter(tenant=tenant).values_list("revision", flat=True)) == {
            one.pk for one in made[3:]
        }
    assert forget() == 0


def test_what_is_served_stays_however_old_and_is_not_cut_anew(committed: World) -> None:
    """The newest revision and its snapshot; no edit is left without its revision, which the sweep would cut."""
    *_, last = history(committed.ours, 400, 300, 200)
    with platform_scope():
        before = Snapshot.objects.get(tenant=committed.ours)
    forget()
    assert numbers(committed.ours) == [last.number]
    with platform_scope():
        after = Snapshot.objects.get(tenant=committed.ours)
        assert (after.state, after.generation, after.revision_id) == (before.state, before.generation, last.pk)
        assert committed.ours.pk not in revisions.uncut_tenants(100)
        live = Deployment.objects.filter(tenant=committed.ours)
        assert {one.node.name for one in live.filter(revision=last, state=LIVE)} == {"n1", "n2"}


def test_what_a_node_still_runs_stays_when_it_refused_what_came_after(committed: World) -> None:
    made = history(committed.ours, 100, 90)
    backend = build.backend(committed.ours)
    refused = [change(committed.ours, backend, 50 + number, 80 - number, REFUSED) for number in range(3)]
    with platform_scope():
        Edit.objects.filter(tenant=committed.ours, kind__in=["pool", "backend"]).update(at=ago(80))
    forget()
    assert numbers(committed.ours) == [made[-1].number, refused[-1].number]
    with platform_scope():
        states = Deployment.objects.filter(tenant=committed.ours, node__name="n1").order_by("generation")
        assert list(states.values_list("state", flat=True)) == [LIVE, REFUSED]


def test_what_is_under_way_to_a_node_stays(committed: World) -> None:
    first, second, *_ = history(committed.ours, 100, 90, 80)
    with platform_scope():
        Deployment.objects.filter(revision=first, node__name="n2").update(state=DeploymentState.RELOAD_DUE)
    forget()
    assert first.number in numbers(committed.ours)
    assert second.number not in numbers(committed.ours)


def test_a_node_that_was_away_for_months_still_gets_the_newest_state(
    committed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, last = history(committed.ours, 100, 90, 80)
    told: list[str] = []
    monkeypatch.setattr(enqueue, "converge", lambda node, body, signature: told.append(body))
    forget()
    with platform_scope():
        node = Node.objects.get(name="n2")
        deployments.dispatch([node], since=0, now=NOW)
        state = Snapshot.objects.get(tenant=committed.ours).digest
    assert last.digest == state
    assert state in told[0]


def test_what_is_not_in_a_revision_yet_stays(committed: World) -> None:
    history(committed.ours, 100, 90)
    backend = build.backend(committed.ours)
    with tenant_scope(committed.ours):
        edit = backends.set_weight(backend, 77, by=build.actor(), now=ago(60)).edit
    forget()
    with platform_scope():
        assert Edit.objects.filter(pk=edit.pk, revision=None).exists()


def test_too_many_revisions_go_however_young(committed: World, many: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST_REVISIONS", 3)
    made = history(committed.ours, 0.9, 0.8, 0.7, 0.6, 0.5)
    history(committed.theirs, 0.9, 0.8)
    theirs = numbers(committed.theirs)
    forget()
    assert numbers(committed.ours) == [one.number for one in made[-3:]]
    assert numbers(committed.theirs) == theirs


def test_a_run_has_a_bound_and_the_next_goes_on(committed: World, many: None) -> None:
    history(committed.ours, *range(100, 90, -1))
    with platform_scope():
        before = Edit.objects.filter(tenant=committed.ours).count()
    forget(most=4)
    with platform_scope():
        assert Edit.objects.filter(tenant=committed.ours).count() == before - 4
    while forget(most=4):
        pass
    assert len(numbers(committed.ours)) == 1


def test_two_at_once_beside_a_cut_leave_what_is_needed(committed: World, many: None) -> None:
    """One holds a row that is due: the others pass it by; then it goes."""
    history(committed.ours, *range(60, 40, -1))
    due = numbers(committed.ours)[3]

    def apart() -> int:
        try:
            return forget()
        finally:
            connections.close_all()

    with platform_scope(), transaction.atomic(), ThreadPoolExecutor(2) as pool:
        Revision.objects.select_for_update().get(tenant=committed.ours, number=due)
        works = [pool.submit(apart) for _ in range(2)]
        assert all(one.result(30) >= 0 for one in works)
    newest = numbers(committed.ours)[-1]
    assert due in numbers(committed.ours)
    assert newest in numbers(committed.ours)
    while forget():
        pass
    assert numbers(committed.ours) == [newest]
    with platform_scope():
        assert Snapshot.objects.get(tenant=committed.ours).revision is not None
