"""A person's own streams: rates, paused and gone on with over the API, and a frame at once."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from channels.db import database_sync_to_async
from django.utils import timezone

from balancer.edge.acl import queue_of
from balancer.fleet.models import Node
from balancer.queries import store
from balancer.services import status
from tenants.scope import platform_scope
from tests.conftest import World
from tests.db.status import frames
from tests.db.status.frames import ONE, POOL, name, pool, server
from tests.live.status.conftest import Site
from tests.live.status.test_sockets import dial, frame, observe, token

pytestmark = pytest.mark.live


def all_nodes() -> list[Node]:
    with platform_scope():
        return list(Node.objects.order_by("name"))


nodes = database_sync_to_async(all_nodes)


def waiting(node: Node) -> list[str]:
    """Messages to it that nobody took: no node runs here."""
    found: Any = store.client().lrange(queue_of(node.pk), 0, -1)
    return list(found)


async def post(site: Site, path: str, bearer: str, body: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(base_url=site.url, headers={"Authorization": f"Bearer {bearer}"}) as api:
        return await api.post(f"/api/ws/{path}", json=body)


async def test_e2_rates_are_what_counters_grew_by(site: Site, committed: World) -> None:
    ours, began = committed.ours, timezone.now() - timedelta(seconds=10)
    of_pool = f"{ours.key}/{POOL}"

    @database_sync_to_async
    def count(seconds: float, *, requests: int, **more: int) -> None:
        values = pool(requests=requests, bytes_in=requests * 100, bytes_out=requests * 1000, **more)
        for node in all_nodes():
            at = began + timedelta(seconds=seconds)
            body = frames.frame({name(ours): server()}, pools={of_pool: values}, at=at)
            status.observe(node, body, now=timezone.now())

    await count(0, requests=5000, errors_5xx=7)
    async with dial(site, await token(committed.viewer, ours), "/ws/metrics") as socket:
        first = await frame(socket)
        assert (first["type"], first["topic"]) == ("snapshot", "metrics")
        assert first["data"]["tenant"]["total"]["requests_per_second"] is None, "nothing is measured yet"
        assert first["data"]["pools"][POOL[1:]]["requests"] == 10_000, "of two nodes"
        await count(8, requests=5400, errors_5xx=15)
        total = (await frame(socket))["data"]["tenant"]["total"]
        told = {key: total[key] for key in total if key.endswith("per_second")}
        assert told == {
            "requests_per_second": 100.0,
            "errors_per_second": 2.0,
            "bytes_in_per_second": 10_000.0,
            "bytes_out_per_second": 100_000.0,
        }
        assert total["over"] == "8s"
    async with dial(site, await token(committed.their_owner, committed.theirs), "/api/ws/metrics") as socket:
        assert (await frame(socket))["data"]["pools"] == {}


async def test_e4_what_a_person_pauses_is_paused_for_that_person_alone(site: Site, committed: World) -> None:
    ours = committed.ours
    owner, viewer = await token(committed.owner, ours), await token(committed.viewer, ours)
    await observe(site, {name(ours): server()}, full=True)
    async with dial(site, viewer) as mine, dial(site, owner) as anothers, dial(site, viewer, "/ws/console") as page:
        await frame(mine)
        await frame(anothers)
        await page.send('{"type":"subscribe","topic":"backends"}')
        await frame(page)
        answer = await post(site, "control", viewer, {"action": "pause", "type": "backends"})
        assert (answer.status_code, answer.json()) == (200, {"paused": ["backends"]})
        assert (await frame(mine, "paused"))["data"] == {"topics": ["backends"]}
        await observe(site, {name(ours): server("down")})
        for socket in (anothers, page):
            assert (await frame(socket))["data"]["backends"][ONE[1:]]["oper"] == "down"
        with pytest.raises(TimeoutError):
            await frame(mine, within=1.5)
        async with dial(site, viewer) as later, dial(site, viewer, "/ws/status") as other:
            assert (await frame(later))["type"] == "paused", "also for those that are opened meanwhile"
            assert (await frame(other))["type"] == "snapshot"
        assert (await post(site, "control", viewer, {"action": "resume"})).json() == {"paused": []}
        assert (await frame(mine, "delta"))["data"]["backends"][ONE[1:]]["oper"] == "down"


async def test_e5_a_frame_at_once_says_that_it_was_forced(site: Site, committed: World) -> None:
    ours = committed.ours
    owner, viewer = await token(committed.owner, ours), await token(committed.viewer, ours)
    await observe(site, {name(ours): server()}, full=True)
    async with dial(site, viewer) as mine, dial(site, owner) as anothers:
        assert "forced" not in await frame(mine)
        await frame(anothers)
        await mine.send('{"type":"pause"}')
        answer = await post(site, "force-update", viewer, {"type": "backends"})
        assert (answer.status_code, answer.json()) == (202, {"nodes": ["n1", "n2"]})
        forced = await frame(mine)
        assert (forced["type"], forced["forced"]) == ("snapshot", True)
        assert forced["data"]["backends"][ONE[1:]]["oper"] == "up"
        with pytest.raises(TimeoutError):
            await frame(anothers, within=1.0)
        asked = [str(message) for node in await nodes() for message in waiting(node)]
        assert len(asked) == 2
        assert all("node.read" in message for message in asked)
    for body, pointer in (({"type": "everything"}, "/type"), ({"kind": "backends"}, "/kind")):
        refused = await post(site, "force-update", viewer, body)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await post(site, "control", viewer, {"action": "stop"})).json()["errors"][0]["pointer"] == "/action"
