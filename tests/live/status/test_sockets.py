"""Sockets of a real server: a snapshot, then deltas, to those whose they are."""

import asyncio
import json
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from channels.db import database_sync_to_async
from django.test import Client
from django.utils import timezone
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from balancer.live.consumers import SOCKETS_MOST
from tenants.models import Membership, Tenant, User
from tenants.restkit.headers import always
from tenants.scope import platform_scope
from tenants.services import keys
from tenants.services.signing_in import tokens
from tests import build
from tests.conftest import World
from tests.db.status.frames import ONE, POOL, TWO, name, pool, server
from tests.live.status.conftest import Site

pytestmark = pytest.mark.live
WITHIN = 5.0
Dial = AbstractAsyncContextManager[ClientConnection]


async def frame(socket: ClientConnection, kind: str | None = None, within: float = WITHIN) -> dict[str, Any]:
    """The next one, or the next of a kind."""
    async with asyncio.timeout(within):
        while True:
            said: dict[str, Any] = json.loads(await socket.recv())
            if kind in (None, said["type"]):
                return said


async def closed(socket: ClientConnection, within: float = WITHIN) -> int:
    async with asyncio.timeout(within):
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()
    assert socket.close_code is not None
    return socket.close_code


async def token(person: User, tenant: Tenant | None) -> str:
    return str(await database_sync_to_async(build.token)(person, tenant))


def dial(site: Site, bearer: str | None = None, path: str = "/ws/backends", **options: Any) -> Dial:
    if bearer:
        options["subprotocols"] = ["veloflux", f"bearer.{bearer}"]
    return connect(site.socket(path), **options)


@database_sync_to_async
def observe(site: Site, servers: dict[str, Any], **values: Any) -> None:
    site.observe(servers, **values)


async def test_e1_a_snapshot_then_deltas_with_rising_seq(site: Site, committed: World) -> None:
    ours = committed.ours
    await observe(
        site, {name(ours): server(), name(ours, TWO): server()}, pools={f"{ours.key}/{POOL}": pool()}, full=True
    )
    async with dial(site, await token(committed.viewer, ours)) as socket:
        assert socket.subprotocol == "veloflux"
        first = await frame(socket)
        assert (first["type"], first["topic"], first["seq"]) == ("snapshot", "backends", 1)
        assert {key: row["oper"] for key, row in first["data"]["backends"].items()} == {ONE[1:]: "up", TWO[1:]: "up"}
        assert first["data"]["pools"][POOL[1:]]["up"] == 2

        await observe(site, {name(ours): server("down")})
        delta = await frame(socket)
        assert (delta["type"], delta["seq"]) == ("delta", 2)
        assert list(delta["data"]["backends"]) == [ONE[1:]], "what did not change is not said again"
        assert delta["data"]["backends"][ONE[1:]]["oper"] == "down"
        assert delta["data"]["pools"][POOL[1:]]["up"] == 1

        await observe(site, {name(ours): server("down")}, pools={f"{ours.key}/{POOL}": pool()}, full=True)
        assert (await frame(socket))["data"]["gone"] == {"backends": [TWO[1:]]}


async def test_a_node_that_falls_silent_is_not_left_green(site: Site, committed: World) -> None:
    """No row changes, so no bell rings: the socket's own process has to notice."""
    ours = committed.ours
    await observe(site, {name(ours): server()})
    async with dial(site, await token(committed.viewer, ours)) as socket:
        assert (await frame(socket))["data"]["backends"][ONE[1:]]["oper"] == "up"
        await observe(site, {}, pid=0, version="")
        assert (await frame(socket))["data"]["backends"][ONE[1:]]["oper"] == "unknown"


async def test_e6_another_tenants_news_makes_no_frame(site: Site, committed: World) -> None:
    ours, theirs = committed.ours, committed.theirs
    await observe(site, {name(ours): server(), name(theirs): server(detail="theirs")}, full=True)
    async with (
        dial(site, await token(committed.owner, ours)) as our,
        dial(site, await token(committed.their_owner, theirs)) as their,
    ):
        assert "theirs" not in json.dumps(await frame(our))
        await frame(their)
        for oper in ("down", "up", "down"):
            await observe(site, {name(theirs): server(oper, detail="theirs")})
            assert (await frame(their))["data"]["backends"][ONE[1:]]["oper"] == oper
        with pytest.raises(TimeoutError):
            await frame(our, within=1.5)


async def test_e6_a_client_cannot_subscribe_its_way_out_of_its_tenant(site: Site, committed: World) -> None:
    theirs = committed.theirs
    async with dial(site, await token(committed.owner, committed.ours), "/ws/console") as socket:
        for topic in (f"t.{theirs.pk}.backends", f"{theirs.pk}", "*", ["backends"], {"a": 1}, 7):
            await socket.send(json.dumps({"type": "subscribe", "topic": topic, "tenant": theirs.pk}))
            assert (await frame(socket))["type"] == "error"
        await socket.send(json.dumps({"type": "subscribe", "topic": "backends", "tenant": theirs.slug}))
        await observe(site, {name(theirs): server()})
        assert (await frame(socket))["data"]["backends"] == {}
        with pytest.raises(TimeoutError):
            await frame(socket, within=1.5)


async def test_a_tenant_one_is_not_in_is_not_there(site: Site, committed: World) -> None:
    for path in (f"/ws/backends?tenant={committed.theirs.slug}", "/ws/status?tenant=nobody", "/ws/nowhere"):
        async with dial(site, await token(committed.owner, None), path) as socket:
            assert await closed(socket) == 4404
    async with dial(site, await token(committed.owner, committed.theirs)) as socket:
        assert await closed(socket) == 4404


@pytest.mark.parametrize("shown", [None, "nonsense", "vf_aaaaaaaaaaaa_no", "a.b.c"])
async def test_without_a_credential_it_closes_4401(site: Site, shown: str | None) -> None:
    async with dial(site, shown, "/api/ws/status") as socket:
        assert await closed(socket) == 4401


async def test_a_withdrawn_membership_closes_within_five_seconds(site: Site, committed: World) -> None:
    @database_sync_to_async
    def join() -> User:
        return build.join(build.user(), committed.ours)

    @database_sync_to_async
    def leave(person: User) -> None:
        with platform_scope():
            Membership.objects.filter(user=person).delete()

    person = await join()
    async with (
        dial(site, await token(person, committed.ours)) as gone,
        dial(site, await token(committed.owner, committed.ours)) as stays,
    ):
        await frame(gone)
        await frame(stays)
        await leave(person)
        began = time.monotonic()
        assert await closed(gone) == 4403
        assert time.monotonic() - began < 5
        await stays.send('{"type":"ping"}')
        assert (await frame(stays, "pong"))["data"] == {}


async def test_e6_a_revoked_key_closes_4401(site: Site, committed: World) -> None:
    key, whole = await database_sync_to_async(build.key)(committed.ours, committed.owner)

    @database_sync_to_async
    def revoke() -> None:
        with platform_scope():
            keys.revoke(key, by=build.actor(committed.owner), now=timezone.now())

    async with dial(site, whole) as socket:
        await frame(socket)
        await revoke()
        assert await closed(socket) == 4401


async def test_e6_a_token_that_ends_closes_4401(site: Site, committed: World) -> None:
    soon = timezone.now() - tokens.lifetime() + timedelta(seconds=2)
    text = await database_sync_to_async(build.token)(committed.owner, committed.ours, at=soon)
    async with dial(site, text) as socket:
        await frame(socket)
        assert await closed(socket) == 4401


async def test_a_session_opens_a_socket_until_it_is_logged_out(site: Site, committed: World) -> None:
    browser = Client()
    await database_sync_to_async(browser.force_login)(committed.owner)
    cookies: SimpleCookie = browser.cookies
    headers = {"Cookie": f"sessionid={cookies['sessionid'].value}"}
    path = f"/ws/backends?tenant={committed.ours.slug}"
    async with dial(site, path=path, additional_headers=headers, origin=f"http://127.0.0.1:{site.port}") as socket:
        assert (await frame(socket))["type"] == "snapshot"
        await database_sync_to_async(browser.logout)()
        assert await closed(socket) == 4401


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://127.0.0.1:1", "https://127.0.0.1.evil.test"])
async def test_e6_a_foreign_page_is_refused_at_the_handshake(site: Site, committed: World, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dial(site, await token(committed.owner, committed.ours), origin=origin):
            pass
    response = refused.value.response
    assert response.status_code == 403
    assert {name: response.headers[name] for name in always()} == always(), "as with every answer"
    assert (response.headers["Cache-Control"], response.body) == ("no-store", b"Not from this page.")


async def test_e6_a_ticket_lets_in_one(site: Site, committed: World) -> None:
    bearer = {"Authorization": f"Bearer {await token(committed.viewer, committed.ours)}"}
    async with httpx.AsyncClient(base_url=site.url, headers=bearer) as api:
        answer = await api.post("/api/ws/ticket")
        assert (answer.status_code, answer.json()["expires_in"]) == (201, "30.0s")
        path = f"/ws/status?ticket={answer.json()['ticket']}"
        async with dial(site, path=path) as socket:
            assert (await frame(socket))["topic"] == "status"
        async with dial(site, path=path) as socket:
            assert await closed(socket) == 4401
        fresh = (await api.post("/api/ws/ticket")).json()["ticket"]
        async with dial(site, path=f"/ws/status?ticket={fresh}&tenant={committed.theirs.slug}") as socket:
            assert await closed(socket) == 4404


async def test_e4_ping_pause_resume_and_a_fresh_snapshot(site: Site, committed: World) -> None:
    ours = committed.ours
    await observe(site, {name(ours): server()})
    async with dial(site, await token(committed.owner, ours)) as socket:
        assert (await frame(socket))["seq"] == 1
        await socket.send('{"type":"ping"}')
        assert (await frame(socket))["type"] == "pong"
        await socket.send('{"type":"pause"}')
        for count in (2, 3, 4):
            await observe(site, {name(ours): server(sessions=count)})
        with pytest.raises(TimeoutError):
            await frame(socket, within=1.5)
        await socket.send('{"type":"resume"}')
        caught_up = await frame(socket)
        assert (caught_up["type"], caught_up["seq"]) == ("delta", 2)
        assert caught_up["data"]["backends"][ONE[1:]]["sessions"] == 8
        await socket.send('{"type":"snapshot","topic":"backends"}')
        assert [(await frame(socket))[part] for part in ("type",)] == ["snapshot"]
        for nonsense in ("not json", "[" * 4000):
            await socket.send(nonsense)
            assert (await frame(socket, "error"))["data"]["code"] == "not_understood"


async def test_e6_too_much_said_closes(site: Site, committed: World) -> None:
    async with dial(site, await token(committed.owner, committed.ours)) as socket:
        await socket.send("x" * 5000)
        assert await closed(socket) == 1009
    async with dial(site, await token(committed.owner, committed.ours)) as socket:
        for _ in range(60):
            await socket.send('{"type":"ping"}')
        assert await closed(socket) == 1008


async def test_e6_a_tenant_has_so_many_sockets_and_no_more(site: Site, committed: World) -> None:
    bearer = await token(committed.owner, committed.ours)
    async with AsyncExitStack() as stack:
        for _ in range(SOCKETS_MOST // 20):  # a few at a time: a listener's queue is finite
            await asyncio.gather(*(stack.enter_async_context(dial(site, bearer)) for _ in range(20)))
        async with dial(site, bearer) as one_more:
            assert await closed(one_more, within=30) == 4429
        async with dial(site, await token(committed.their_owner, committed.theirs)) as anothers:
            assert (await frame(anothers, within=30))["type"] == "snapshot"
    async with dial(site, bearer) as later:
        assert (await frame(later, within=30))["type"] == "snapshot"


async def test_e7_a_burst_is_at_most_a_frame_a_second_and_the_newest(site: Site, committed: World) -> None:
    ours = committed.ours
    async with dial(site, await token(committed.owner, ours)) as socket:
        await frame(socket)
        began = time.monotonic()
        for count in range(1, 31):
            await observe(site, {name(ours): server(sessions=count)})
            await asyncio.sleep(0.05)
        frames: list[dict[str, Any]] = []
        while not frames or frames[-1]["data"].get("backends", {}).get(ONE[1:], {}).get("sessions") != 60:
            frames.append(await frame(socket))
        assert len(frames) <= time.monotonic() - began + 2
        assert [told["seq"] for told in frames] == list(range(2, len(frames) + 2))


async def test_redis_restarted_goes_on(site: Site, committed: World) -> None:
    ours = committed.ours
    await observe(site, {name(ours): server()})
    async with dial(site, await token(committed.owner, ours)) as socket:
        await frame(socket)
        site.redis.stop()
        await asyncio.sleep(1)
        site.redis.start()
        await observe(site, {name(ours): server("down")}, full=True)

        async def until_down() -> None:
            while (await frame(socket, within=15))["data"].get("backends", {}).get(ONE[1:], {}).get("oper") != "down":
                pass

        await asyncio.wait_for(until_down(), 20)
