"""A socket: let in or closed with a reason, joined to its tenant's groups, and listened to a little."""

import asyncio
import contextlib
import json
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error
from django.http.cookie import parse_cookie
from redis.exceptions import RedisError

from balancer.broadcast import Topic, group, persons_group
from balancer.live import passes
from balancer.live.feed import Feed
from balancer.live.line import Line
from balancer.live.origin import headers_of
from balancer.live.passes import PROTOCOL, Pass, Shown
from balancer.live.source import Source
from balancer.live.watch import TRY_LATER, Watch
from tenants.errors import Refused

log = structlog.get_logger(__name__)

SOCKETS_MOST = 200  # of a tenant, in a process
MESSAGE_MOST = 4096  # characters
MESSAGES_MOST, MESSAGES_SECONDS = 40, 10.0
FORCED_SECONDS = 0.5  # what nodes that were asked to read at once may take until a forced frame is made
NOWHERE, TOO_MANY, TOO_BIG, TOO_OFTEN = 4404, 4429, 1009, 1008
CODES = {400: 4400, 401: 4401, 403: 4403, 404: NOWHERE, 429: TOO_MANY}


class TopicConsumer(AsyncWebsocketConsumer):
    """`offered` may be subscribed to, `topics` are from the start. `obeys`: what the API pauses is paused here."""

    offered: ClassVar[tuple[Topic, ...]] = ()
    topics: ClassVar[tuple[Topic, ...]] = ()
    obeys: ClassVar[bool] = True

    pass_: Pass | None = None
    line: Line
    running: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        shown = shown_by(self.scope)
        try:
            pass_ = await database_sync_to_async(passes.of_socket)(shown, now=datetime.now(UTC))
        except Refused as refused:
            await self.refuse(shown, CODES.get(refused.status, 4401))
        except (Error, RedisError):
            await self.refuse(shown, TRY_LATER)
        else:
            await self.let_in(shown, pass_)

    async def refuse(self, shown: Shown, code: int) -> None:
        """Accepted first: a browser is not told why a handshake failed, but it is told a close code."""
        await self.accept(PROTOCOL if PROTOCOL in shown.protocols else None)
        await self.close(code)

    async def let_in(self, shown: Shown, pass_: Pass) -> None:
        if Watch.here().count(pass_.tenant_id) >= SOCKETS_MOST:
            await self.refuse(shown, TOO_MANY)
            return
        self.heard: deque[float] = deque(maxlen=MESSAGES_MOST)
        self.line = Line(Feed.of(pass_.tenant_key, pass_.cluster_id), self.send)
        self.pass_ = pass_
        Watch.here().add(pass_, self.shut)
        await self.accept(PROTOCOL if PROTOCOL in shown.protocols else None)
        await self.channel_layer.group_add(persons_group(pass_.tenant_id, pass_.user_id), self.channel_name)
        for topic in self.topics:
            await self.subscribe(topic)
        if self.obeys and (paused := await Source.here().paused(pass_.tenant_id, pass_.user_id)):
            await self.streams_paused({"topics": sorted(paused)})
        self.running = asyncio.create_task(self.run())

    async def run(self) -> None:
        with contextlib.suppress(OSError):  # the client went away in the middle of a frame
            await self.line.run()

    def shut(self, code: int) -> None:
        """No frame after this; the watch calls it when access is withdrawn."""
        if self.running is not None:
            self.running.cancel()
        self.closing = asyncio.create_task(self.close(code))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """However it ends, in a `disconnect` or in an error, nothing of it stays behind."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.leave()

    async def leave(self) -> None:
        if self.pass_ is None:
            return
        Watch.here().drop(self.shut)
        if self.running is not None:
            self.running.cancel()
        with contextlib.suppress(RedisError):
            mine = {group(self.pass_.tenant_id, topic) for topic in self.line.topics}
            for name in mine | {persons_group(self.pass_.tenant_id, self.pass_.user_id)}:
                await self.channel_layer.group_discard(name, self.channel_name)

    async def streams_paused(self, event: dict[str, Any]) -> None:
        """The person said over the API which topics are paused from now on; a socket is told where that is news."""
        if self.obeys and self.line.pause_these(event["topics"]):
            self.line.reply("paused", {"topics": [name for name in self.line.topics if name in event["topics"]]})

    async def streams_forced(self, event: dict[str, Any]) -> None:
        for topic in event["topics"]:
            self.line.force(Topic(topic), after=FORCED_SECONDS)

    async def bell_rung(self, event: dict[str, Any]) -> None:
        """From the group of this socket's own tenant. Never waits: what does would queue up behind a slow client."""
        self.line.bell(Topic(event["topic"]), event["id"])

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.pass_ is None:
            return
        if text_data is None or len(text_data) > MESSAGE_MOST:
            self.shut(TOO_BIG)
            return
        now = time.monotonic()
        if len(self.heard) == MESSAGES_MOST and now - self.heard[0] < MESSAGES_SECONDS:
            self.shut(TOO_OFTEN)
            return
        self.heard.append(now)
        await self.obey(text_data)

    async def obey(self, text: str) -> None:
        kind, topic = self.understood(text)
        match kind:
            case "ping":
                self.line.reply("pong", {})
            case "subscribe" | "snapshot" if topic:
                await self.subscribe(topic)
            case "unsubscribe" if topic:
                await self.unsubscribe(topic)
            case "pause" | "resume":
                self.line.pause(topic, paused=kind == "pause")
            case _:
                topics = ", ".join(self.offered)
                sentence = f"Send {{type: subscribe, unsubscribe, snapshot, pause, resume or ping}}; topics: {topics}."
                self.line.reply("error", {"code": "not_understood", "detail": sentence})

    def understood(self, text: str) -> tuple[str, Topic | None]:
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):  # the latter: thousands of brackets
            return "", None
        if not isinstance(said, dict) or not isinstance(said.get("type"), str):
            return "", None
        topic = said.get("topic", self.offered[0] if len(self.offered) == 1 else None)
        if topic is not None and topic not in self.offered:
            return "", None
        return said["type"], Topic(topic) if topic else None

    async def subscribe(self, topic: Topic) -> None:
        """Joined before the first look, so that nothing falls between the snapshot and the deltas."""
        if self.pass_ is not None:
            await self.channel_layer.group_add(group(self.pass_.tenant_id, topic), self.channel_name)
            self.line.subscribe(topic)

    async def unsubscribe(self, topic: Topic) -> None:
        if self.pass_ is None:
            return
        self.line.unsubscribe(topic)
        left = group(self.pass_.tenant_id, topic)
        if left not in {group(self.pass_.tenant_id, other) for other in self.line.topics}:
            await self.channel_layer.group_discard(left, self.channel_name)


class BackendsConsumer(TopicConsumer):
    offered = topics = (Topic.BACKENDS,)


class StatusConsumer(TopicConsumer):
    offered = topics = (Topic.STATUS,)


class MetricsConsumer(TopicConsumer):
    offered = topics = (Topic.METRICS,)


class ConsoleConsumer(TopicConsumer):
    """Carries what it is asked for."""

    offered = tuple(Topic)
    obeys = False


class Nowhere(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.accept()
        await self.close(NOWHERE)


def shown_by(scope: Any) -> Shown:
    headers = headers_of(scope)
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return Shown(
        protocols=tuple(scope["subprotocols"]),
        ticket=query.get("ticket", [None])[-1],
        tenant=query.get("tenant", [None])[-1],
        session_key=parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME),
        host=_host(headers.get("host", "")),
    )


def _host(header: str) -> str:
    """Without its port, lower case; an IPv6 address in its brackets."""
    name, colon, port = header.lower().rpartition(":")
    return name if colon and port.isdigit() else header.lower()
