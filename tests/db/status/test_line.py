"""One socket's frames, without a socket: the newest state wins, whatever the client's pace."""

import asyncio
import gc
import json
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from balancer.broadcast import Topic
from balancer.live import line
from balancer.live.feed import Feed
from balancer.live.line import Line
from balancer.live.origin import allowed
from balancer.live.view import View


class Stand:
    """In a feed's place: it shows what it was last given."""

    def __init__(self) -> None:
        self.now = View({("backends", "a"): {"n": 0}}, ("backends",))
        self.bells = 0

    def show(self, **rows: int) -> None:
        self.now = View.after(self.now, {("backends", name): {"n": n} for name, n in rows.items()})

    def bell(self, topic: Topic, bell_id: str) -> None:
        self.bells += 1

    def look_again(self) -> None:
        pass

    async def view(self, topic: Topic) -> View:
        return self.now


class Client:
    """Takes a frame when `ready` is set."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.ready.set()
        self.offered = 0
        self.got: list[dict[str, Any]] = []

    async def take(self, text: str) -> None:
        self.offered += 1
        await self.ready.wait()
        self.got.append(json.loads(text))


@asynccontextmanager
async def running(stand: Stand, client: Client) -> AsyncIterator[Line]:
    one = Line(cast("Feed", stand), client.take)
    task = asyncio.create_task(one.run())
    yield one
    task.cancel()


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "GAP_SECONDS", 0.02)


async def come(there: Callable[[], object]) -> None:
    """However long a busy machine takes for it; what must not come after it is given a moment by the test."""
    async with asyncio.timeout(30):
        while not there():
            await asyncio.sleep(0.005)


async def test_e7_a_slow_client_gets_the_newest_state_in_one_delta() -> None:
    stand, client = Stand(), Client()
    async with running(stand, client) as one:
        one.subscribe(Topic.BACKENDS)
        await come(lambda: len(client.got) == 1)
        client.ready.clear()
        stand.show(a=1)
        one.bell(Topic.BACKENDS, "first")
        await come(lambda: client.offered == 2)
        for count in range(2, 2000):
            stand.show(a=count, b=count)
            one.bell(Topic.BACKENDS, str(count))
            if count % 500 == 0:
                await asyncio.sleep(0.03)
        client.ready.set()
        await come(lambda: len(client.got) >= 3)
        await asyncio.sleep(0.1)
    assert [frame["type"] for frame in client.got] == ["snapshot", "delta", "delta"]
    assert client.got[2]["data"] == {"backends": {"a": {"n": 1999}, "b": {"n": 1999}}, "gone": {}}
    assert [frame["seq"] for frame in client.got] == [1, 2, 3]


async def test_e7_replies_to_one_who_does_not_read_are_bounded() -> None:
    stand, client = Stand(), Client()
    client.ready.clear()
    async with running(stand, client) as one:
        for count in range(1000):
            one.reply("pong", {"n": count})
        client.ready.set()
        await come(lambda: client.got and client.got[-1]["data"] == {"n": 999})
    assert len(client.got) <= line.REPLIES_MOST + 1
    assert client.got[-1]["data"] == {"n": 999}


async def test_nothing_new_says_nothing() -> None:
    stand, client = Stand(), Client()
    async with running(stand, client) as one:
        one.subscribe(Topic.BACKENDS)
        await come(lambda: client.got)
        for count in range(5):
            stand.show(a=0)
            one.bell(Topic.BACKENDS, str(count))
            await asyncio.sleep(0.03)
    assert [frame["type"] for frame in client.got] == ["snapshot"]


def test_a_delta_leads_from_any_older_view_to_the_newest() -> None:
    old = View({("s", "a"): 1, ("s", "b"): 2, ("t", "c"): 3})
    new = View.after(old, {("s", "a"): 1, ("s", "b"): 5, ("u", "d"): 6})
    assert json.loads(new.since(old)) == {"s": {"b": 5}, "u": {"d": 6}, "gone": {"t": ["c"]}}
    assert json.loads(new.snapshot()) == {"s": {"a": 1, "b": 5}, "u": {"d": 6}}
    assert View.after(new, {("u", "d"): 6, ("s", "b"): 5, ("s", "a"): 1}) is new


def test_a_view_does_not_keep_those_before_it() -> None:
    views = [View({("s", "a"): {"n": 0}})]
    for count in range(1, 10):
        views.append(View.after(views[-1], {("s", "a"): {"n": count}}))
        views[-1].since(views[-2])
    first, views = weakref.ref(views[0]), views[-1:]
    gc.collect()
    assert first() is None


@pytest.mark.parametrize(
    ("origin", "host", "good"),
    [
        (None, "localhost:9090", True),
        ("http://localhost:9090", "localhost:9090", True),
        ("http://LOCALHOST:9090", "localhost:9090", True),
        ("http://demo.localhost:9090", "demo.localhost:9090", True),
        ("http://localhost:9090", "127.0.0.1:9090", True),  # the base URL
        ("http://localhost:9091", "localhost:9090", False),
        ("http://evil.test", "localhost:9090", False),
        ("http://evil.test", "evil.test", False),  # a name that was pointed at us
        ("null", "localhost:9090", False),
        ("", "", False),
        ("file://", "", False),
        ("http://localhost:9090.evil.test", "localhost:9090", False),
    ],
)
def test_which_pages_may_open_a_socket(origin: str | None, host: str, good: bool) -> None:
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    assert allowed(headers) is good
