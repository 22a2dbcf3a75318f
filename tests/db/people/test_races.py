"""Good once: also when it is shown several times at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils import timezone

from tenants.models import OneTimeKind
from tenants.scope import platform_scope
from tenants.services.signing_in import one_time
from tests import build
from tests.conftest import World
from tests.db.people.conftest import login, with_app

MANY = 4


@pytest.fixture(autouse=True)
def no_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.services.mails.mail.ask", lambda **_: None)


def at_once(call: Callable[[], int]) -> list[int]:
    def run(_: int) -> int:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(MANY) as pool:
        return sorted(pool.map(run, range(MANY)))


def test_one_code_at_once_lets_in_once(committed: World) -> None:
    person = build.member(committed.ours, password=build.PASSWORD)
    with platform_scope():
        code = with_app(person).now()
    assert at_once(lambda: login(person, otp=code).status_code) == [200, 422, 422, 422]


def test_one_reset_link_at_once_sets_one_password(committed: World) -> None:
    person = build.member(committed.ours, password=build.PASSWORD)
    with platform_scope():
        secret = one_time.issue(person, OneTimeKind.RESET_PASSWORD, email=person.email, now=timezone.now())
    body = {"token": secret, "password": "a new long sentence"}
    answers = at_once(lambda: build.api().post("/api/auth/password/reset", body).status_code)
    assert answers == [204, 422, 422, 422]
