"""A PostgreSQL and a Redis for one test run: on free ports, in a folder of the run, gone with it."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from veloflux_site.local import accounts, environment, launch, ports, postgres, redis
from veloflux_site.local.environment import Settings
from veloflux_site.local.folder import Folder
from veloflux_site.local.postgres import Cluster
from veloflux_site.local.redis import Store

# Many tenants' tables may be locked in one transaction of a test.
LIKE_UP = (*postgres.SAFE, "max_connections=200", "max_locks_per_transaction=512")
FOR_TESTS = (*LIKE_UP, *postgres.FAST)


def settings(folder: Folder, *, binaries: Mapping[str, str], home: Path) -> Settings:
    """Settings of a run: new secrets, free ports, and every path inside the run's own folder."""
    own = Folder(home)
    # Only what listens here moves; the console's URLs stay the well-known ones that tests may name.
    free = {name: str(ports.unused()) for name in ("VELOFLUX_POSTGRES_PORT", "VELOFLUX_REDIS_PORT")}
    made = environment.complete({}, free | dict(binaries), folder=own)
    kept = {"VELOFLUX_STATIC_ROOT": str(folder.state / "static-test"), "VELOFLUX_LOG_DIR": str(own.log)}
    for name in ("VELOFLUX_LOG_DIR", "VELOFLUX_MAIL_DIR", "PROMETHEUS_MULTIPROC_DIR"):
        Path((made | kept)[name]).mkdir(mode=0o700, parents=True, exist_ok=True)
    return made | kept


@contextlib.contextmanager
def running(known: Settings, *, home: Path, durable: bool = False) -> Iterator[None]:
    """Both servers, for as long as the block lasts. `durable`: they write to the disk as they do for `up`."""
    account = accounts.choose()
    database = Cluster(
        bin=Path(known["VELOFLUX_POSTGRES_BIN"]),
        home=account.place(home / "postgres"),
        account=account,
        port=int(known["VELOFLUX_POSTGRES_PORT"]),
        options=LIKE_UP if durable else FOR_TESTS,
    )
    store = Store(
        server=Path(known["VELOFLUX_REDIS_SERVER"]),
        home=home / "redis",
        port=int(known["VELOFLUX_REDIS_PORT"]),
        password=known["VELOFLUX_REDIS_PASSWORD"],
        durable=durable,
    )
    log = home / "setup.log"
    try:
        postgres.initialise(database, log=log)
        redis.prepare(store)
        with (
            _child([*account.wrap, *_tied("INT"), *database.server()], log=home / "postgres.log", cwd=database.home),
            _child([*_tied("TERM"), *store.command()], log=home / "redis.log", cwd=store.home),
        ):
            postgres.wait(database, seconds=30, log=log)
            password = known["VELOFLUX_POSTGRES_PASSWORD"]
            postgres.provide(database, role="veloflux", password=password, extra=("CREATEDB",), log=log)
            redis.wait(store, seconds=30)
            yield
    finally:
        if database.home.parent != home:
            shutil.rmtree(database.home.parent, ignore_errors=True)


def _tied(death: str) -> tuple[str, ...]:
    return ("setpriv", "--pdeathsig", death)


@contextlib.contextmanager
def _child(command: Sequence[str], *, log: Path, cwd: Path) -> Iterator[None]:
    """A server beside us, in a session of its own: Ctrl-C is for the tests, which still need it while they end."""
    with log.open("wb") as words:
        process = subprocess.Popen(
            command,
            env=launch.common(os.environ),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def run_folder(folder: Folder) -> Iterator[Path]:
    """`.veloflux/test/<pid>`, for this run alone. What runs that were killed left behind is removed."""
    folder.test.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.test.iterdir():
        if not Path("/proc", old.name).exists():
            shutil.rmtree(old, ignore_errors=True)
    home = folder.test / str(os.getpid())
    home.mkdir(mode=0o700)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
