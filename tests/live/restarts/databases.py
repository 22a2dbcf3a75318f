"""A PostgreSQL and a Redis as `up` runs them, for one stack alone: each may be crashed at any moment."""

import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.stack import Program, free_port
from veloflux_site.local import accounts, binaries, launch, postgres, redis, servers
from veloflux_site.local.folder import HERE
from veloflux_site.local.postgres import Cluster
from veloflux_site.local.redis import Store

IMMEDIATE, FAST = signal.SIGQUIT, signal.SIGINT  # what `pg_ctl stop -m immediate` and `-m fast` send


@dataclass(frozen=True, slots=True)
class Databases:
    database_url: str
    redis_url: str
    postgres: Program
    redis: Program


@contextmanager
def running(home: Path) -> Iterator[Databases]:
    """Both, with their data in `home`, written to the disk as it is for `up`."""
    found, account = binaries.have(os.environ, folder=HERE), accounts.choose()
    password, log = secrets.token_hex(16), home / "setup.log"
    cluster = Cluster(found.postgres, account.place(home / "postgres"), account, free_port(), servers.LIKE_UP)
    store = Store(found.redis, home / "redis", free_port(), password)
    postgres.initialise(cluster, log=log)
    redis.prepare(store)
    env = launch.common(os.environ)
    both = Databases(
        f"postgres://veloflux:{password}@127.0.0.1:{cluster.port}/veloflux",
        f"redis://:{password}@127.0.0.1:{store.port}/0",
        Program("postgres", [*account.wrap, *cluster.server()], env, home / "postgres.log"),
        Program("redis", store.command(), env, home / "redis.log"),
    )
    both.postgres.start()
    both.redis.start()
    try:
        postgres.wait(cluster, seconds=30, log=log)
        postgres.provide(cluster, role="veloflux", password=password, log=log)
        redis.wait(store, seconds=30)
        yield both
    finally:
        both.redis.kill()
        both.postgres.kill(FAST)
        if cluster.home.parent != home:  # where another account must own it
            shutil.rmtree(cluster.home.parent, ignore_errors=True)
