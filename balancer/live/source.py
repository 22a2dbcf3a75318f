"""What one process reads for its sockets: Redis without blocking the loop, and the service's parts now and then."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

import redis
import structlog

from balancer.queries import store, system

log = structlog.get_logger(__name__)

NODES_SECONDS = 1.0
PARTS_SECONDS = 2.0


class Source:
    """One per event loop. The nodes are read at most once a second, whoever asks."""

    _of: "WeakKeyDictionary[asyncio.AbstractEventLoop, Source]" = WeakKeyDictionary()

    def __init__(self) -> None:
        self._redis = store.async_client()
        self._lock = asyncio.Lock()
        self._nodes: dict[str, str] = {}
        self._nodes_until = 0.0
        self._parts: dict[str, str] = {}
        self._parts_until = 0.0
        self._asking: asyncio.Task[None] | None = None

    @classmethod
    def here(cls) -> "Source":
        loop = asyncio.get_running_loop()
        if loop not in cls._of:
            cls._of[loop] = cls()
        return cls._of[loop]

    async def nodes(self) -> dict[str, str]:
        """As stored. With Redis away, what was read last: their words then grow old by themselves."""
        async with self._lock:
            if time.monotonic() >= self._nodes_until:
                self._nodes_until = time.monotonic() + NODES_SECONDS
                try:
                    answer: Any = self._redis.hgetall(store.NODES)
                    self._nodes = await answer
                except redis.RedisError as error:
                    log.warning("nodes_not_read", error=type(error).__name__)
            return self._nodes

    async def rows(self, tenant_key: str) -> dict[str, str]:
        """A tenant's, and the nodes as they are at that moment. Raise redis.RedisError when Redis is away."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.hgetall(store.NODES)
        pipe.hgetall(store.status_key(tenant_key))
        self._nodes, rows = await pipe.execute()
        self._nodes_until = time.monotonic() + NODES_SECONDS
        return dict(rows)

    async def paused(self, tenant_id: str, user_id: str) -> frozenset[str]:
        """Topics that this person has paused. With Redis away: none, for frames without need do no harm."""
        try:
            kept: Any = await self._redis.smembers(store.paused_key(tenant_id, user_id))
        except redis.RedisError as error:
            log.warning("paused_streams_not_read", error=type(error).__name__)
            return frozenset()
        return frozenset(kept)

    def parts(self) -> dict[str, str]:
        """The parts' states as last probed, at most `PARTS_SECONDS` and a probe ago; empty at first. Never waits."""
        if time.monotonic() >= self._parts_until and (self._asking is None or self._asking.done()):
            self._parts_until = time.monotonic() + PARTS_SECONDS
            self._asking = asyncio.create_task(self._probe())
        return self._parts

    async def _probe(self) -> None:
        states = await asyncio.to_thread(system.states, now=datetime.now(UTC))
        self._parts = {name: state.value for name, state in states.items()}
