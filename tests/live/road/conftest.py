"""One running product for all tests of the road; each test makes a pool and a host of its own."""

import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from tests import nameserver
from tests.live import stack as stacks
from tests.live.load import Tally, ask
from tests.live.origins import Origin, start
from tests.live.stack import Program, Stack, until
from tests.nameserver import NameServer
from tests.programs import REDIS_SERVER

pytestmark = pytest.mark.live
numbers = itertools.count(1)


@pytest.fixture(scope="package")
def road_database() -> Iterator[str]:
    """A database of this run alone, dropped afterwards."""
    url = os.environ["VELOFLUX_DATABASE_URL"]
    base, _, _ = url.rpartition("/")
    name = f"road_{secrets.token_hex(4)}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    yield f"{base}/{name}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="package")
def road_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A Redis of this run alone, which a test may kill: appended to disk, its users in a file, as `up` has it."""
    folder: Path = tmp_path_factory.mktemp("redis")
    (folder / "users.acl").write_text("user default on nopass ~* &* +@all\n")
    kept = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--aclfile", str(folder / "users.acl")]
    port = str(stacks.free_port())
    command = [REDIS_SERVER, "--bind", "127.0.0.1", "--port", port, "--dir", str(folder), *kept]
    program = Program(f"redis://127.0.0.1:{port}/0", command, dict(os.environ), folder / "log")
    program.start()
    with redis.Redis.from_url(program.name) as client:
        until(lambda: pings(client), what="Redis")
    yield program
    program.kill()


def pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.fixture(scope="package")
def dns() -> Iterator[NameServer]:
    """Whom the stack asks for names."""
    with nameserver.running() as server:
        yield server


@pytest.fixture(scope="package")
def stack(
    road_database: str, road_redis: Program, dns: NameServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("stack")
    asked = {"VELOFLUX_DNS_RESOLVERS": dns.address}
    with stacks.running(folder, road_database, road_redis.name, **asked) as running:
        with psycopg.connect(road_database, autocommit=True) as db:  # no plan's limit shall answer 402 or 429 here
            db.execute("UPDATE billing_subscription SET plan_id = 'custom'")
        yield running


@dataclass
class Site:
    """A pool with backends and a host, made through the API, serving."""

    stack: Stack
    api: httpx.Client
    host: str
    pool: dict[str, Any]
    backends: list[dict[str, Any]]
    origins: list[Origin]
    route: dict[str, Any] = field(default_factory=dict)

    def ask(self, times: int = 1, node: int = 0, path: str = "/") -> Tally:
        return ask(self.stack.nodes[node].http_port, self.host, path, times=times)

    def answered_by(self, names: set[str], *, within: float = 15) -> None:
        """Wait until every node is answered by exactly these origins."""
        for index in range(len(self.stack.nodes)):
            until(lambda i=index: set(self.ask(24, i).by) == names, within=within, what=f"{self.host} by {names}")  # type: ignore[misc]  # fmt: skip

    def backend(self, origin: Origin) -> dict[str, Any]:
        found: dict[str, Any] = next(b for b in self.backends if b["address"] == origin.address)
        return found

    def add(self, origin: Origin, **more: Any) -> dict[str, Any]:
        backend: dict[str, Any] = post(
            self.api, "/backends", {"pool": self.pool["id"], "address": origin.address, **more}
        )
        self.backends.append(backend)
        self.origins.append(origin)
        return backend


def post(api: httpx.Client, path: str, body: dict[str, Any] | None = None, status: int = 201, **headers: str) -> Any:
    answer = api.post(path, json=body or {}, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.fixture
def make_site(stack: Stack) -> Iterator[Callable[..., Site]]:
    made: list[Origin] = []
    api = stack.api()

    def make(count: int = 2, *, host: str | None = None, wait: bool = True, **pool: Any) -> Site:
        number = next(numbers)
        started = [start(f"s{number}o{i}") for i in range(count)]
        made.extend(started)
        check = {"path": "/health", "interval": "300ms", "rise": 1, "fall": 2, "timeout": "3s"}
        row = post(api, "/pools", {"name": f"pool {number}", "health_check": check, **pool})
        site = Site(stack, api, host or f"s{number}.test", row, [], [])
        for origin in started:
            site.add(origin)
        site.route = post(api, "/routes", {"host": site.host, "pool": row["id"]})
        if wait:
            site.answered_by({origin.name for origin in started})
        return site

    yield make
    for origin in made:
        origin.stop()
    api.close()
