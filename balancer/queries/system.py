"""The service's own state: workers, leader, uptime. What Redis is not there to tell is said to be unknown."""

import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import redis

from balancer.queries import health, store

WORKER_AWAY = 30.0  # seconds; a worker does something every ten: the sweep
STARTED = time.monotonic()


class State(StrEnum):
    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Workers:
    """`working` have finished a task within `WORKER_AWAY`; `age` seconds since the newest did."""

    state: State
    working: int
    age: float | None


@dataclass(frozen=True, slots=True)
class Leader:
    """Whether beat's lock is held, and for how many seconds yet. Its holder writes a random token there, not its name,
    so who it is cannot be told. `held` None: Redis is away."""

    held: bool | None
    expires_in: float | None


def uptime() -> float:
    """Seconds since this process started serving."""
    return time.monotonic() - STARTED


def workers(*, now: datetime) -> Workers:
    try:
        beats: dict[str, str] = _answer(store.client().hgetall(store.WORKERS))
    except redis.RedisError:
        return Workers(State.UNKNOWN, 0, None)
    ages = [max(0.0, now.timestamp() - float(at)) for at in beats.values()]
    working = sum(age < WORKER_AWAY for age in ages)
    return Workers(State.UP if working else State.DOWN, working, min(ages, default=None))


def leader() -> Leader:
    try:
        left = int(_answer(store.client().pttl(store.LEADER)))
    except redis.RedisError:
        return Leader(None, None)
    # -2: no such key. -1: held without an end, which beat never does.
    return Leader(left != -2, left / 1000 if left >= 0 else None)


def states(*, now: datetime) -> dict[str, State]:
    """Each part in a word, for sockets. Blocks up to the probes' deadline."""
    probed = {part.name: State.UP if part.up else State.DOWN for part in health.parts()}
    return {**probed, "workers": workers(now=now).state}


def _answer(value: Any) -> Any:
    """redis-py types one signature for its blocking and its asyncio client; ours blocks."""
    return value
