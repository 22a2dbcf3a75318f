"""One socket's frames. It remembers the view it sent last, and nothing else: a slow client gets the newest state when
it can take it, and what happened in between is in that one delta. At most one frame a second for each topic."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from balancer.broadcast import Topic
from balancer.live.feed import Feed
from balancer.live.view import View

GAP_SECONDS = 1.0
REPLIES_MOST = 32


@dataclass(slots=True)
class Told:
    """One topic of one socket. `view` None: a snapshot is due. `forced_at`: when one is, whatever else holds."""

    view: View | None = None
    seq: int = 0
    next_at: float = 0.0
    paused: bool = False
    forced_at: float | None = None


class Line:
    """`send` takes a frame's text and waits until the socket took it."""

    def __init__(self, feed: Feed, send: Callable[[str], Awaitable[None]]) -> None:
        self._feed, self._send = feed, send
        self._told: dict[Topic, Told] = {}
        self._replies: deque[str] = deque(maxlen=REPLIES_MOST)
        self._wake = asyncio.Event()

    @property
    def topics(self) -> tuple[Topic, ...]:
        return tuple(self._told)

    def bell(self, topic: Topic, bell_id: str) -> None:
        self._feed.bell(topic, bell_id)
        self._wake.set()

    def subscribe(self, topic: Topic) -> None:
        """A snapshot follows, for one who is subscribed already too."""
        self._told.setdefault(topic, Told()).view = None
        self._feed.look_again()
        self._wake.set()

    def unsubscribe(self, topic: Topic) -> None:
        self._told.pop(topic, None)

    def pause(self, topic: Topic | None, *, paused: bool) -> None:
        """None: all of them. Resumed, it gets what changed meanwhile as one delta."""
        for name, told in self._told.items():
            if topic in (None, name):
                told.paused = paused
        self._wake.set()

    def pause_these(self, topics: Collection[str]) -> bool:
        """These and no others. Returns whether that is otherwise than before."""
        turned = [told for name, told in self._told.items() if told.paused != (name in topics)]
        for told in turned:
            told.paused = not told.paused
        self._wake.set()
        return bool(turned)

    def force(self, topic: Topic | None, *, after: float) -> None:
        """A snapshot in so many seconds, also of what is paused. None: of all of them."""
        for name, told in self._told.items():
            if topic in (None, name):
                told.forced_at = time.monotonic() + after
        self._wake.set()

    def reply(self, kind: str, data: dict[str, Any]) -> None:
        """Beside the topics. More than `REPLIES_MOST` unread ones: the oldest are dropped."""
        self._replies.append(_frame(kind, None, 0, json.dumps(data)))
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled, or until `send` raises because the socket is gone."""
        while True:
            while self._replies:
                await self._send(self._replies.popleft())
            for topic, told in list(self._told.items()):
                await self._tell(topic, told)
            await self._rest()

    async def _tell(self, topic: Topic, told: Told) -> None:
        now = time.monotonic()
        forced = told.forced_at is not None and now >= told.forced_at
        if forced:
            told.forced_at = None
            self._feed.look_again()
        elif told.paused or now < told.next_at:
            return
        view = await self._feed.view(topic)
        before = None if forced else told.view
        if view is before or self._told.get(topic) is not told:
            return
        told.view, told.seq, told.next_at = view, told.seq + 1, time.monotonic() + GAP_SECONDS
        if before is None:
            await self._send(_frame("snapshot", topic, told.seq, view.snapshot(), forced=forced))
        else:
            await self._send(_frame("delta", topic, told.seq, view.since(before)))

    async def _rest(self) -> None:
        """Until something rings, and a second at most: age shows without a bell."""
        now = time.monotonic()
        gaps = [told.next_at - now for told in self._told.values() if told.next_at > now]
        gaps += [max(0.0, told.forced_at - now) for told in self._told.values() if told.forced_at is not None]
        try:
            async with asyncio.timeout(min(gaps, default=GAP_SECONDS)):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self._wake.clear()


def _frame(kind: str, topic: Topic | None, seq: int, data: str, *, forced: bool = False) -> str:
    """The envelope around JSON that is made already. `forced` is said only where it is so."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = f'"{topic}"' if topic else "null"
    mark = '"forced":true,' if forced else ""
    return f'{{"type":"{kind}","topic":{name},"seq":{seq},"at":"{at}",{mark}"data":{data}}}'
