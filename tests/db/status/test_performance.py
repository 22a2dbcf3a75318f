"""What takes the time: told to staff, where it is switched on."""

import re
from typing import Any

import pytest
import redis

from balancer.edge.acl import queue_of
from balancer.fleet.models import Node
from balancer.queries import performance
from tenants.scope import platform_scope
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.usefixtures("db")
PATH = "/api/debug/performance"
NODES = re.compile(r"\^?api/nodes\W*")


def test_k4_it_is_off_until_somebody_switches_it_on(world: World) -> None:
    answer = build.api(build.staff()).get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (404, "off")
    assert "VELOFLUX_DEBUG_PERFORMANCE" in answer.json()["detail"]


def test_k4_nobodys_owner_is_staff(world: World, settings: Any) -> None:
    settings.DEBUG_PERFORMANCE = True
    assert build.api(world.owner, world.ours).get(PATH).status_code == 403
    assert build.api().get(PATH).status_code == 401


def test_k4_parts_queues_and_what_took_long_are_told(
    world: World, settings: Any, kept: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG_PERFORMANCE = True
    monkeypatch.setattr(performance, "SHOWN", 10_000)  # other tests' requests took longer
    with platform_scope():
        node = Node.objects.get(name="n1")
    kept.rpush("control", "a", "b", "c")
    kept.rpush(queue_of(node.pk), "d")
    staff = build.api(build.staff())
    for _ in range(3):
        staff.get("/api/nodes")
    answer = staff.get(PATH)
    told = answer.json()
    assert (told["queues"]["control"], told["queues"]["node.n1"], told["queues"]["node.n2"]) == (3, 1, 0)
    assert told["process"]["memory_bytes"] > 10_000_000
    assert told["database"]["connections"]["active"] >= 1
    assert told["redis"]["clients"] >= 1
    found = {(one["labels"]["route"], one["labels"]["method"]): one for one in told["requests"]}
    nodes = next(one for (route, method), one in found.items() if method == "GET" and NODES.fullmatch(route))
    assert nodes["count"] >= 3
    assert 0 < nodes["mean_ms"] <= (nodes["p95_at_most_ms"] or 1e9) * 2
    secrets = (settings.DATABASES["default"]["PASSWORD"], settings.SECRET_KEY, "redis://")
    assert not [one for one in secrets if one and one in answer.content.decode()]


@pytest.mark.usefixtures("no_redis")
def test_k4_without_redis_nothing_is_said_of_it(world: World, settings: Any) -> None:
    settings.DEBUG_PERFORMANCE = True
    told = build.api(build.staff()).get(PATH).json()
    assert (told["redis"], told["queues"]) == (None, None)
    assert told["database"]["connections_most"] > 0
