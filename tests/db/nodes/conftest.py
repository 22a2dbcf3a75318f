"""Nodes whose words lie in a real Redis."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import redis
from django.utils import timezone

from balancer import enqueue
from balancer.fleet.models import Node
from balancer.services import drifts, status
from tenants.scope import platform_scope
from tests import build
from tests.build import Api
from tests.conftest import World
from tests.db.status.conftest import kept as kept
from tests.db.status.conftest import redis_of_session as redis_of_session
from tests.db.status.frames import frame

Beat = Callable[..., None]
Asked = list[dict[str, Any]]


@pytest.fixture
def staff(world: World) -> Api:
    return build.api(build.staff(email="staff@veloflux.test"))


@pytest.fixture
def beat(kept: "redis.Redis", world: World) -> Beat:
    """A word from each of these nodes, now or then."""

    def act(*names: str, at: datetime | None = None, **values: Any) -> None:
        for name in names:
            with platform_scope():
                said = frame(at=at or timezone.now(), **values)
                status.observe(node(name), said, now=timezone.now())
                drifts.noted(node(name), said, now=timezone.now())

    return act


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What would go to the broker."""
    asked: Asked = []

    def ask(name: str, args: list[Any], *, queue: str, **more: Any) -> None:
        asked.append({"name": name, "args": args, "queue": queue, **more})

    monkeypatch.setattr(enqueue, "ask", ask)
    return asked


def node(name: str) -> Node:
    with platform_scope():
        return Node.objects.select_related("cluster").get(name=name)
