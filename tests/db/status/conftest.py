"""Status lies in Redis: a real one, emptied before each test."""

from collections.abc import Iterator

import pytest
import redis
from pytest_django import Settings

from balancer.queries import store
from balancer.queries.status import Known
from tests.live.status import redis_server
from tests.live.status.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server.running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def kept(redis_of_session: RedisServer, settings: Settings) -> Iterator["redis.Redis"]:
    """The client that the code under test uses."""
    settings.REDIS_URL = redis_of_session.url
    store.client.cache_clear()
    Known.names = ()
    client = store.client()
    client.flushall()
    yield client
    client.close()
    store.client.cache_clear()


@pytest.fixture
def no_redis(settings: Settings) -> Iterator[None]:
    """A port where nobody answers."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    store.client.cache_clear()
    yield
    store.client.cache_clear()
