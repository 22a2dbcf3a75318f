"""A tenant's cuts, one after the other: whoever does not wait is seen by who does."""

import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from balancer import enqueue
from balancer.fleet.models import Edit, Revision
from balancer.services import backends, revisions, turns
from balancer.services.backends import NewBackend
from tenants.scope import tenant_scope
from tests import build
from tests.conftest import World
from tests.db.balancer.threads import in_threads

WRITERS, ROUNDS = 6, 4


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enqueue, "converge", lambda node_id, body, signature: None)
    monkeypatch.setattr(enqueue, "cut", lambda tenant_id, request_id="": None)


def test_every_change_is_cut_by_somebody_without_a_sweep(committed: World) -> None:
    pool = build.pool(committed.ours)

    def writer(number: int) -> None:
        for turn in range(ROUNDS):
            with tenant_scope(committed.ours):
                backends.add(pool, NewBackend(f"127.0.{number}.{turn + 1}:80"), by=build.actor(), now=timezone.now())
                revisions.cut(committed.ours.pk, now=timezone.now())

    in_threads(*[lambda number=number: writer(number) for number in range(WRITERS)])
    with tenant_scope(committed.ours):
        assert not Edit.objects.filter(revision=None).exists()
        newest = Revision.objects.latest("number")
        assert len(newest.state["pools"][0]["servers"]) == WRITERS * ROUNDS


def test_a_third_does_not_wait_and_is_seen_by_the_second(committed: World) -> None:
    pool = build.pool(committed.ours)
    with tenant_scope(committed.ours):
        revisions.cut(committed.ours.pk, now=timezone.now())

    def change(port: int) -> Revision | None:
        with tenant_scope(committed.ours):
            backends.add(pool, NewBackend(f"127.0.0.7:{port}"), by=build.actor(), now=timezone.now())
            return revisions.cut(committed.ours.pk, now=timezone.now())

    second = threading.Thread(target=in_threads, args=(lambda: change(81),))
    with tenant_scope(committed.ours):
        with turns.one_at_a_time(committed.ours.pk):
            second.start()
            waits()
            thirds: list[Revision | None] = []
            in_threads(lambda: thirds.append(change(82)), lambda: thirds.append(change(83)))
            assert thirds == [None, None]
            assert Edit.objects.filter(revision=None).count() == 3
        second.join(30)
        assert not Edit.objects.filter(revision=None).exists()
        assert Revision.objects.latest("number").number == 2


def waits() -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
                " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()"
            )
            if cursor.fetchone() == (1,):
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits")
