"""Redis goes away in the middle of a request: an honest answer, and what is done stays done."""

from typing import Any

import pytest
from django.core.cache import caches
from django.db import InterfaceError, OperationalError
from redis.exceptions import ConnectionError as RedisAway

from balancer.models import Pool
from tenants.restkit import errors
from tenants.scope import tenant_scope
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


def away(*_: Any, **__: Any) -> None:
    raise RedisAway("connection refused")


def test_a_write_that_is_done_is_answered_though_its_answer_cannot_be_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(caches["default"]), "set", away)
    response = build.api(world.owner, world.ours).post("/api/pools", {"name": "kept"}, **{"Idempotency-Key": "k"})
    assert response.status_code == 201, response.content
    with tenant_scope(world.ours):
        assert Pool.objects.filter(name="kept").exists()


def test_a_password_that_cannot_be_counted_is_asked_for_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(caches["default"]), "add", away)
    response = build.Api("Basic YTpi").get("/api/pools")
    assert response.status_code == 503, response.content
    assert response.headers["Retry-After"]


@pytest.mark.parametrize("raised", [OperationalError("x"), InterfaceError("the connection is closed"), RedisAway("x")])
def test_a_part_that_goes_away_is_a_503_with_a_time_to_come_again(raised: Exception) -> None:
    response = errors.handle(raised, {})
    assert response is not None
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
