"""A tenant's task runs for its tenant, in every kind of worker, or it fails; never for somebody else."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from tenants import scope
from tenants.after_commit import after_commit
from tenants.models import RefreshToken, SignIn, Tenant
from tenants.queries import directory
from tenants.scope import platform_scope, tenant_scope
from tenants.services.signing_in import sign_ins
from tenants.taskbase import HEADER, NoTenant, TenantGone
from tenants.tasks import forget_old
from tests import build
from tests.conftest import World
from tests.db.tenants import work

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 30


@pytest.fixture(params=["prefork", "threads", "solo"])
def worker(request: pytest.FixtureRequest, committed: World, tmp_path: Path) -> Iterator[World]:
    """A real worker on the tests' database, two at a time where its pool can."""
    base = os.environ["VELOFLUX_DATABASE_URL"].rsplit("/", 1)[0]
    database = f"{base}/{connection.settings_dict['NAME']}"
    env = os.environ | {"VELOFLUX_DATABASE_URL": database, "VELOFLUX_TEST_WORKER": "1"}
    command = [sys.executable, "-m", "celery", "-A", "tests.db.tenants.work", "worker", "--pool", request.param]
    quiet = ["--concurrency", "2", "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"]
    for tenant in (committed.ours, committed.theirs):
        build.pool(tenant, name=tenant.slug)
    work.app.control.purge()
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *quiet], env=env, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield committed
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def test_each_task_runs_for_its_tenant(worker: World) -> None:
    tenants = (worker.ours, worker.theirs) * 30
    results = []
    for tenant in tenants:
        with tenant_scope(tenant):
            results.append(work.read.delay())
    assert [result.get(timeout=SECONDS) for result in results] == [tenant.slug for tenant in tenants]
    with tenant_scope(worker.theirs):
        assert work.again.delay().get(timeout=SECONDS) == "theirs"
    assert work.count.delay().get(timeout=SECONDS) == "public 2"
    gone = work.read.apply_async(headers={HEADER: "a" * 12})
    with pytest.raises(TenantGone):
        gone.get(timeout=SECONDS)
    nobody = work.app.send_task("read")
    with pytest.raises(NoTenant):
        nobody.get(timeout=SECONDS)
    # A task that failed leaves nothing of itself to the next one.
    with tenant_scope(worker.ours):
        assert work.read.delay().get(timeout=SECONDS) == "ours"


def test_a_tenants_task_cannot_be_sent_without_a_tenant(world: World) -> None:
    with platform_scope(), pytest.raises(NoTenant):
        work.read.delay()
    scope.enter(None)
    with pytest.raises(NoTenant):
        work.read.delay()
    scope.enter(scope.PLATFORM)


def test_a_database_that_does_not_answer_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing about the tenant. The stock base took the same path as for one that is gone."""
    asked: list[str] = []

    def sometimes(tenant_id: str) -> Tenant:
        asked.append(tenant_id)
        if len(asked) < 3:
            raise OperationalError("the connection is lost")
        return world.ours

    monkeypatch.setattr(directory, "fresh", sometimes)
    build.pool(world.ours, name="ours")
    assert work.read.apply(headers={HEADER: world.ours.pk}).get() == "ours"
    assert asked == [world.ours.pk] * 3


def test_after_commit_runs_for_the_tenant_that_asked(committed: World) -> None:
    """Inside a nested scope, the library's callbacks ran as `public` (stack.md 3.6)."""
    ran: list[Any] = []
    with platform_scope(), transaction.atomic():
        with tenant_scope(committed.ours), transaction.atomic():
            after_commit(lambda: ran.append(scope.required().tenant_id))
        with tenant_scope(committed.theirs), transaction.atomic():
            after_commit(lambda: ran.append(scope.required().tenant_id))
        after_commit(lambda: ran.append(scope.required().tenant_id))
        assert ran == []
    assert ran == [committed.ours.pk, committed.theirs.pk, scope.EVERY_TENANT]


def test_a_task_asked_for_in_a_transaction_is_sent_after_it_for_its_tenant(
    committed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(
        "celery.app.task.Task.apply_async", lambda self, *args, headers, **options: sent.append(headers[HEADER])
    )
    with platform_scope(), transaction.atomic():
        with tenant_scope(committed.ours):
            work.read.delay_on_commit()
        with tenant_scope(committed.theirs):
            work.read.apply_async_on_commit()
        assert sent == []
    assert sent == [committed.ours.pk, committed.theirs.pk]


@pytest.mark.django_db
def test_what_proves_nothing_any_more_is_forgotten(world: World) -> None:
    now = timezone.now()
    for age in (timedelta(days=-1), timedelta(days=1)):
        build.token(world.owner, world.ours, at=now + age - sign_ins.LIFETIME)
    forget_old()
    assert [token.expires_at > now for token in RefreshToken.objects.all()] == [True]
    assert [sign_in.expires_at > now for sign_in in SignIn.objects.all()] == [True]
