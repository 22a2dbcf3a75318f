"""Whose data, off the beaten path: every way that the stock backend was seen to answer as somebody else (stack.md 3).

Each test reads its own tenant's pools, which bear the tenant's name, from wherever code can end up.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import ProgrammingError, connection, connections, transaction

from balancer.models import Pool
from tenants import scope
from tenants.models import Tenant
from tenants.scope import NoScope, platform_scope, tenant_scope
from tests import build
from tests.conftest import World

T = TypeVar("T")
ROUNDS = 40
THREADS = 6  # fewer than the pool's connections, so that they are shared and nobody waits


@pytest.fixture
def tenants(committed: World) -> tuple[Tenant, Tenant]:
    for tenant in (committed.ours, committed.theirs):
        build.pool(tenant, name=tenant.slug)
    scope.enter(None)  # nothing to lean on: what forgets its tenant fails
    return committed.ours, committed.theirs


def seen() -> str:
    return ",".join(Pool.objects.order_by("name").values_list("name", flat=True))


def in_thread(call: Callable[[], T]) -> T:
    """In a bare thread: it starts without any context of ours."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(and_close(call)).result()


def and_close(call: Callable[[], T]) -> Callable[[], T]:
    def run() -> T:
        try:
            return call()
        finally:
            connections.close_all()

    return run


def test_without_a_scope_nothing_is_answered(tenants: tuple[Tenant, Tenant]) -> None:
    """Never `public`, as the stock backend has it."""
    with pytest.raises(NoScope):
        seen()
    with pytest.raises(NoScope):
        Tenant.objects.count()


def test_a_bare_thread_starts_with_no_tenant(tenants: tuple[Tenant, Tenant]) -> None:
    with tenant_scope(tenants[0]):
        with pytest.raises(NoScope):
            in_thread(seen)
        assert in_thread(lambda: copy_context().run(scope.current)) is None


def test_the_platforms_scope_does_not_reach_tenants_tables(tenants: tuple[Tenant, Tenant]) -> None:
    with platform_scope(), pytest.raises(ProgrammingError, match="balancer_pool"):
        seen()


def test_threads_do_not_swap_tenants(tenants: tuple[Tenant, Tenant]) -> None:
    """`with tenant:` of the library, in two threads at once, was wrong in 38 of 80 (stack.md 3.1)."""
    together = threading.Barrier(2)

    def work(tenant: Tenant) -> set[str]:
        found = set()
        for _ in range(ROUNDS):
            together.wait()
            with tenant_scope(tenant):
                found.add(seen())
        return found

    with ThreadPoolExecutor(2) as pool:
        ours, theirs = (pool.submit(and_close(lambda t=tenant: work(t))) for tenant in tenants)  # type: ignore[misc]
        assert ours.result() == {"ours"}
        assert theirs.result() == {"theirs"}


def test_a_decorator_used_by_two_threads_keeps_them_apart(tenants: tuple[Tenant, Tenant]) -> None:
    """The library's decorators reuse one instance (3 of 80 wrong). Ours is made anew at each call."""

    def read(tenant: Tenant) -> str:
        return tenant_scope(tenant)(seen)()

    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [(t.slug, pool.submit(and_close(lambda t=t: read(t)))) for t in tenants * ROUNDS]  # type: ignore[misc]
        assert all(job.result() == slug for slug, job in jobs)


def test_pooled_connections_serve_interleaved_tenants(tenants: tuple[Tenant, Tenant]) -> None:
    """A connection comes back from the pool with another tenant's search path on it (stack.md 3.3)."""

    def read(tenant: Tenant) -> str:
        with tenant_scope(tenant):
            found = seen()
        connection.close()  # back to the pool, for whoever is next
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [(t.slug, pool.submit(and_close(lambda t=t: read(t)))) for t in tenants * (ROUNDS * 3)]  # type: ignore[misc]
        assert all(job.result() == slug for slug, job in jobs)


def test_one_connection_serves_tenants_in_turn(tenants: tuple[Tenant, Tenant]) -> None:
    for _ in range(3):
        for tenant in tenants:
            with tenant_scope(tenant):
                assert seen() == tenant.slug


def rolled_back(tenant: Tenant) -> None:
    """A transaction, or within one a savepoint, that read as `tenant` and was undone."""
    with suppress(ZeroDivisionError), tenant_scope(tenant), transaction.atomic():
        assert seen() == tenant.slug
        raise ZeroDivisionError


@pytest.mark.parametrize("savepoint", [False, True])
def test_a_rollback_does_not_bring_the_other_tenant_back(tenants: tuple[Tenant, Tenant], savepoint: bool) -> None:
    """`SET` is undone with its transaction: what was told to the connection is then no longer so."""
    ours, theirs = tenants
    with tenant_scope(ours):
        seen()
    if savepoint:
        with tenant_scope(ours), transaction.atomic():
            rolled_back(theirs)
            assert seen() == "ours"
    else:
        rolled_back(theirs)
    with tenant_scope(theirs):
        assert seen() == "theirs"
    with tenant_scope(ours):
        assert seen() == "ours"


async def both(tenants: tuple[Tenant, Tenant], read: Callable[[], object]) -> None:
    """Both tenants at once, many times, on one event loop."""

    async def one(tenant: Tenant) -> str:
        with tenant_scope(tenant):
            await asyncio.sleep(0)
            result = read()
            return str(await result if asyncio.iscoroutine(result) else result)

    found = await asyncio.gather(*(one(tenant) for tenant in tenants * ROUNDS))
    assert found == [tenant.slug for tenant in tenants * ROUNDS]


def test_asyncio_to_thread_keeps_its_tenant(tenants: tuple[Tenant, Tenant]) -> None:
    gate = threading.Semaphore(THREADS)

    def read() -> str:
        with gate:
            return and_close(seen)()

    async_to_sync(both)(tenants, lambda: asyncio.to_thread(read))


@pytest.mark.parametrize("thread_sensitive", [True, False])
def test_sync_to_async_keeps_its_tenant(tenants: tuple[Tenant, Tenant], thread_sensitive: bool) -> None:
    """Not thread sensitive, it landed in `public`."""
    gate = threading.Semaphore(THREADS)

    def read() -> str:
        with gate:
            return seen() if thread_sensitive else and_close(seen)()

    async_to_sync(both)(tenants, lambda: sync_to_async(read, thread_sensitive=thread_sensitive)())


def test_a_task_that_outlives_its_response_keeps_its_tenant(tenants: tuple[Tenant, Tenant]) -> None:
    async def respond(tenant: Tenant) -> asyncio.Task[str]:
        with tenant_scope(tenant):

            async def later() -> str:
                await asyncio.sleep(0.02)  # the response is long gone, and others have been served
                return await sync_to_async(seen)()

            return asyncio.create_task(later())

    async def serve() -> list[str]:
        tasks = [await respond(tenant) for tenant in tenants * 10]
        assert scope.current() is None
        return list(await asyncio.gather(*tasks))

    assert async_to_sync(serve)() == [tenant.slug for tenant in tenants * 10]


def test_a_naive_socket_reads_its_own_tenant(tenants: tuple[Tenant, Tenant]) -> None:
    """Tenant set at connect, rows read at each message, sockets interleaved: 45 of 50 were wrong (stack.md 3.2)."""

    async def socket(tenant: Tenant, inbox: asyncio.Queue[None], found: list[tuple[str, str]]) -> None:
        scope.enter(scope.scope_of(tenant))  # at connect: the task's own context
        for _ in range(25):
            await inbox.get()
            found.append((tenant.slug, await sync_to_async(seen)()))

    async def serve() -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        inboxes: list[asyncio.Queue[None]] = [asyncio.Queue() for _ in tenants]
        tasks = [asyncio.create_task(socket(*pair, found)) for pair in zip(tenants, inboxes, strict=True)]
        for _ in range(25):
            for inbox in inboxes:
                inbox.put_nowait(None)
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return found

    found = async_to_sync(serve)()
    assert len(found) == 50
    assert all(mine == read for mine, read in found)


def test_the_connection_cannot_be_moved_behind_the_scopes_back(tenants: tuple[Tenant, Tenant]) -> None:
    with tenant_scope(tenants[0]):
        with pytest.raises(NoScope):
            connection.set_tenant(tenants[1])  # type: ignore[attr-defined]
        assert seen() == "ours"
