"""A real uvicorn on a free port, against the test's database and a Redis of its own."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from balancer.fleet.models import Node
from balancer.queries import store
from balancer.services import status
from tenants.scope import platform_scope
from tests.conftest import World
from tests.db.status.frames import frame
from tests.live.stack import Program, environment, free_port, until
from tests.live.status import redis_server
from tests.live.status.redis_server import RedisServer


@dataclass
class Site:
    """The web process, and this process's hand on the same database and Redis."""

    port: int
    program: Program
    redis: RedisServer
    settings: Any

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def socket(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    def observe(self, servers: dict[str, Any], on: tuple[str, ...] = ("n1", "n2"), **values: Any) -> None:
        now = timezone.now()
        with platform_scope():
            nodes = {node.name: node for node in Node.objects.all()}
        for name in on:
            status.observe(nodes[name], frame(servers, at=now, **values), now=now)


def web(folder: Path, redis_url: str, **more: str) -> tuple[Program, int]:
    at = connection.settings_dict
    url = f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"
    env = environment(folder, url, redis_url) | more
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "veloflux_site.asgi:application", "--port", str(port), "--lifespan"]
    program = Program("web", [*command, "off", "--log-level", "info"], env, folder / "web.log")
    program.start()
    return program, port


@pytest.fixture(scope="package")
def redis_of_live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server.running(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="package")
def web_of_session(
    django_db_setup: None,
    django_db_blocker: Any,
    redis_of_live: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Program, int]]:
    folder = tmp_path_factory.mktemp("web")
    secrets = {
        "VELOFLUX_JWT_KEY": os.environ["VELOFLUX_JWT_KEY"],
        "VELOFLUX_ENCRYPTION_KEYS": os.environ["VELOFLUX_ENCRYPTION_KEYS"],
        "VELOFLUX_SECRET_KEY": os.environ["VELOFLUX_SECRET_KEY"],
    }
    with django_db_blocker.unblock():
        program, port = web(folder, redis_of_live.url, **secrets)
    try:
        until(lambda: httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200, what="a console")
        yield program, port
    finally:
        program.kill()


@pytest.fixture
def site(
    committed: World, web_of_session: tuple[Program, int], redis_of_live: RedisServer, settings: Settings
) -> Iterator[Site]:
    settings.REDIS_URL = redis_of_live.url
    store.client.cache_clear()
    store.client().flushall()
    program, port = web_of_session
    yield Site(port, program, redis_of_live, settings)
    store.client().close()
    store.client.cache_clear()
