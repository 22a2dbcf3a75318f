"""While somebody else's server is waited for, nobody is kept from the database."""

import pytest
from django.db import connection, transaction

from tenants.outbound import guard
from tests.conftest import World


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether a connection was held, each time that a name was looked up."""
    seen: list[bool] = []

    def looked_up(name: str) -> list[str]:
        seen.append(connection.connection is not None)
        return ["8.8.8.8"]

    monkeypatch.setattr(guard, "_addresses", looked_up)
    return seen


def ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_who_goes_out_gives_the_connection_back(committed: World, held: list[bool]) -> None:
    ask()
    guard.resolve("somewhere.test", 443)
    assert held == [False]
    ask()


def test_but_not_out_of_a_transaction(committed: World, held: list[bool]) -> None:
    with transaction.atomic():
        ask()
        guard.resolve("somewhere.test", 443)
        ask()
    assert held == [True]
