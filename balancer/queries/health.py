"""Whether the parts we stand on answer: asked with a deadline, remembered for a second.

Each probe has its own connection and thread, so a database that accepts and never answers costs a caller `DEADLINE`
at most, and a full pool is not mistaken for a database that is away. While a probe hangs, the next callers are told
at once.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from typing import Any

import psycopg
import redis
from django.db import connection

from balancer.queries import store

DEADLINE = 2.0
REMEMBER = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """`latency` in seconds; `error` is for people and names no host or credential. `failed_at`: epoch of the last
    failure this process saw, with its `last_error`."""

    name: str
    up: bool
    latency: float
    error: str = ""
    last_error: str = ""
    failed_at: float | None = None


class Probe:
    """One part, asked at most once a second by this process whatever the number of callers."""

    def __init__(self, name: str, ask: Callable[[], None]) -> None:
        self._name, self._ask = name, ask
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix=f"probe-{name}")
        self._running: Future[None] | None = None
        self._last: Part | None = None
        self._until = 0.0

    def part(self) -> Part:
        with self._lock:
            if self._last is None or time.monotonic() >= self._until:
                self._last = self._look(self._last)
                self._until = time.monotonic() + REMEMBER
            return self._last

    def expire(self) -> None:
        """Ask again next time; the last error stays."""
        self._until = 0.0

    def forget(self) -> None:
        with self._lock:
            self._last = None

    def _look(self, before: Part | None) -> Part:
        began = time.monotonic()
        error = self._error()
        latency = time.monotonic() - began
        if error:
            return Part(self._name, False, latency, error, error, time.time())
        if before is None:
            return Part(self._name, True, latency)
        return Part(self._name, True, latency, "", before.last_error, before.failed_at)

    def _error(self) -> str:
        if self._running is not None and not self._running.done():
            return "It has not answered yet."
        self._running = self._threads.submit(self._ask)
        try:
            self._running.result(DEADLINE)
        except TooSlow:
            return f"It did not answer within {DEADLINE:g} s."
        except (psycopg.Error, redis.RedisError, OSError) as error:
            return _words(error)
        return ""


def _words(error: Exception) -> str:
    """The kind of failure only: drivers put hosts, users and addresses into their messages."""
    kind = type(error).__name__
    if isinstance(error, (psycopg.OperationalError, redis.ConnectionError, OSError)):
        return f"It cannot be reached ({kind})."
    return f"It answered with an error ({kind})."


def database_link() -> dict[str, Any]:
    """Where Django's own connections go, without their pool and settings."""
    wanted = connection.get_connection_params()
    return {name: wanted[name] for name in ("dbname", "user", "password", "host", "port") if name in wanted}


def _ask_database() -> None:
    with psycopg.connect(
        **database_link(), connect_timeout=2, autocommit=True, application_name="veloflux-health"
    ) as probe:
        probe.execute("SELECT 1")


def _ask_redis() -> None:
    store.client().ping()


DATABASE = Probe("database", _ask_database)
REDIS = Probe("redis", _ask_redis)


def serving() -> bool:
    """Can this process answer requests?"""
    return DATABASE.part().up and REDIS.part().up


def parts() -> list[Part]:
    return [DATABASE.part(), REDIS.part()]
