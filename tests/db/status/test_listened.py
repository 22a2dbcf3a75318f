"""Connections and bytes of listeners, from nodes' frames to the API and the page."""

from datetime import timedelta
from typing import Any

import pytest
import redis
from django.test import Client
from django.utils import timezone

from balancer.fleet.models import Node
from balancer.queries import one_node
from balancer.services import status
from tenants.models import Tenant
from tenants.scope import platform_scope
from tests import build
from tests.conftest import World
from tests.db.status.frames import POOL, frame, pool

pytestmark = pytest.mark.usefixtures("db")
NOTHING = {"sessions": 0, "rate": 0, "in_rate": 0, "out_rate": 0, "connections": 0, "bytes_in": 0, "bytes_out": 0}


def row(**values: int) -> dict[str, int]:
    return {**NOTHING, **values}


def say(tenant: Tenant, node: str, rows: dict[str, Any], *, ago: float = 1.0, **values: Any) -> None:
    at = timezone.now() - timedelta(seconds=ago)
    with platform_scope():
        one = Node.objects.get(name=node)
    told = {f"{tenant.key}/{key}": told for key, told in rows.items()}
    status.observe(one, frame(at=at, listeners=told, **values), now=timezone.now())


def test_what_nodes_count_is_summed_and_named_by_node(kept: "redis.Redis", world: World) -> None:
    listener = build.listener(world.ours)
    api = build.api(world.owner, world.ours)
    unheard = api.get(f"/api/listeners/{listener.pk}").json()["status"]
    assert unheard == {"fresh": "offline", "age": None, **NOTHING, "nodes": []}
    say(world.ours, "n1", {listener.key: row(sessions=2, connections=5, bytes_in=100, bytes_out=2000, in_rate=7)})
    say(world.ours, "n2", {listener.key: row(sessions=1, connections=1, bytes_in=1, bytes_out=2)}, ago=3)
    (found,) = api.get("/api/listeners").json()["items"]
    told = found["status"]
    assert {name: told[name] for name in NOTHING} == row(
        sessions=3, connections=6, bytes_in=101, bytes_out=2002, in_rate=7
    )
    assert told["fresh"] == "live"
    assert [(one["node"], one["bytes_out"]) for one in told["nodes"]] == [("n1", 2000), ("n2", 2)]
    say(world.ours, "n2", {listener.key: None})
    assert api.get(f"/api/listeners/{listener.pk}").json()["status"]["connections"] == 5


def test_a_node_that_is_silent_counts_for_nothing_and_is_named(kept: "redis.Redis", world: World) -> None:
    listener = build.listener(world.ours)
    say(world.ours, "n1", {listener.key: row(connections=5)}, ago=60)
    told = build.api(world.owner, world.ours).get(f"/api/listeners/{listener.pk}").json()["status"]
    assert (told["fresh"], told["age"], told["connections"]) == ("offline", None, 0)
    assert [(one["node"], one["fresh"]) for one in told["nodes"]] == [("n1", "offline")]


def test_another_tenants_are_not_read(kept: "redis.Redis", world: World) -> None:
    listener = build.listener(world.ours)
    say(world.theirs, "n1", {listener.key: row(connections=5)})
    told = build.api(world.owner, world.ours).get(f"/api/listeners/{listener.pk}").json()["status"]
    assert told["connections"] == 0


def test_bytes_of_pools_are_summed_and_listeners_are_no_pools(kept: "redis.Redis", world: World) -> None:
    build.pool(world.ours)
    listener = build.listener(world.ours)
    pools = {f"{world.ours.key}/{POOL}": pool(bytes_in=10, bytes_out=20)}
    say(world.ours, "n1", {listener.key: row(connections=5)}, pools=pools)
    counted = one_node.seen(world.ours.key, "n1")
    assert (counted["requests"], counted["pools"]) == (50, {})
    build.api(world.owner, world.ours).get("/api/pools").json()
    key = build.pool(world.ours).key
    say(world.ours, "n1", {}, pools={f"{world.ours.key}/{key}": pool(bytes_in=10, bytes_out=20)}, ago=0.5)
    told = build.api(world.owner, world.ours).get(f"/api/pools/{key[1:]}").json()["status"]
    assert (told["bytes_in"], told["bytes_out"]) == (10, 20)


def test_the_page_says_what_came_and_that_nothing_is_known(kept: "redis.Redis", world: World) -> None:
    listener = build.listener(world.ours)
    client = Client()
    build.console_login(client, world.owner)
    assert "no data" in client.get(f"/t/{world.ours.slug}/listeners").content.decode()
    say(world.ours, "n1", {listener.key: row(sessions=2, connections=5, bytes_in=2048, bytes_out=3 << 20)})
    page = client.get(f"/t/{world.ours.slug}/listeners").content.decode()
    assert "2 open, 5 in all" in page
    assert "2.0\xa0KB in, 3.0\xa0MB out" in page
