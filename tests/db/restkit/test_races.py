"""Several at once, on connections of their own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from django.db import connection, connections
from psycopg_pool import PoolTimeout

from balancer.models import Pool
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.services.signing_in import lockout
from tests import build
from tests.conftest import World

T = TypeVar("T")
MANY = 4


def at_once(call: Callable[[], T], times: int = MANY) -> list[T]:
    together = threading.Barrier(times)

    def run() -> T:
        try:
            together.wait(10)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return [job.result() for job in [pool.submit(run) for _ in range(times)]]


def test_a18_several_at_once_with_one_key_make_one_pool(committed: World) -> None:
    client = build.api(committed.owner, committed.ours)
    answers = at_once(lambda: client.post("/api/pools", {"name": "race"}, **{"Idempotency-Key": "race"}).status_code)
    assert answers.count(201) >= 1
    assert set(answers) <= {201, 409}
    with tenant_scope(committed.ours):
        assert Pool.objects.count() == 1


def test_a18_of_those_who_read_the_same_one_writes_and_the_others_are_told(committed: World) -> None:
    client = build.api(committed.owner, committed.ours)
    path = f"/api/pools/{build.pool(committed.ours, name='before').pk}"
    seen = client.get(path).headers["ETag"]
    names = [f"writer {number}" for number in range(MANY)]

    def write() -> tuple[int, str]:
        name = names.pop()
        answer = build.api(committed.owner, committed.ours).patch(path, {"name": name}, **{"If-Match": seen})
        return answer.status_code, name

    answers = at_once(write)
    assert sorted(status for status, _ in answers) == [200, 412, 412, 412]
    assert client.get(path).json()["name"] == dict(answers)[200]


def test_one_refresh_token_used_twice_at_once_is_good_for_one_at_most(committed: World) -> None:
    person = build.member(committed.ours, password=build.PASSWORD)
    login = build.api().post("/api/auth/login", {"email": person.email, "password": build.PASSWORD}).json()
    refresh = {"refresh_token": login["refresh_token"]}
    answers = at_once(lambda: build.api().post("/api/auth/refresh", refresh).status_code)
    assert sorted(answers) == [200, 401, 401, 401]


def test_parallel_guesses_do_not_slip_past_the_limit(committed: World, settings_without_demo: None) -> None:
    wrong = {"email": "no@one.test", "password": "wrong"}
    first = at_once(lambda: build.api().post("/api/auth/login", wrong).status_code)
    second = at_once(lambda: build.api().post("/api/auth/login", wrong).status_code)
    assert sorted(first + second) == [401] * lockout.LIMIT + [429] * (2 * MANY - lockout.LIMIT)


def test_one_slug_asked_for_at_once_is_given_once(committed: World) -> None:
    client = build.api(committed.owner)
    answers = at_once(lambda: client.post("/api/tenants", {"name": "Race", "slug": "race"}).status_code)
    assert sorted(answers) == [201, 409, 409, 409]
    assert Tenant.objects.filter(slug="race").count() == 1


def test_when_the_pool_of_connections_is_empty_one_is_asked_to_come_again(committed: World) -> None:
    """For real: all are taken, and the wait for one ends (five seconds)."""
    client = build.api(committed.owner, committed.ours)
    connection.close()
    pool = connection.pool  # type: ignore[attr-defined]
    taken = []
    try:
        with suppress(PoolTimeout):
            while True:
                taken.append(pool.getconn(timeout=0.2))
        response = client.get("/api/pools")
    finally:
        for one in taken:
            pool.putconn(one)
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert client.get("/api/pools").status_code == 200
