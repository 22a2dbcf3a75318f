"""What must be there before the first program starts: Python packages, binaries, settings, ports, data folders."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from veloflux_site.local import accounts, binaries, environment, ports, postgres, programs, redis, venv
from veloflux_site.local.environment import Settings
from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError, say

BINARIES = ("VELOFLUX_HAPROXY", "VELOFLUX_REDIS_SERVER", "VELOFLUX_POSTGRES_BIN")
PATIENCE = 4.0  # seconds that the programs of a killed supervisor get to leave their ports


def known(folder: Folder) -> Settings:
    """The kept settings with the caller's. Raises CannotGoOnError for one that makes no sense."""
    return environment.complete(environment.read(folder.env_file), os.environ, folder=folder)


def machine(folder: Folder, *, requirements: str) -> Settings:
    """Packages and binaries; returns the settings with the binaries' paths. Raises CannotGoOnError."""
    if sys.platform != "linux":
        raise CannotGoOnError("This starts the programs natively, which works on Linux only.")
    if shutil.which("setpriv") is None:
        raise CannotGoOnError("`setpriv` is missing; it is in the package util-linux.")
    settings = known(folder)
    home = accounts.choose().place(folder.state / "postgres")
    # apt and pip wait for the network most of the time, so they do it side by side.
    with ThreadPoolExecutor(max_workers=1) as beside:
        python = beside.submit(venv.make, folder, requirements)
        found = binaries.have(settings, folder=folder, data_version=postgres.data_version(home))
        python.result()
    return settings | found.settings()


def for_up(folder: Folder) -> Settings:
    """Everything up to the moment when the supervisor can start. Writes the settings that the programs read."""
    # The ports first: nobody should wait for packages to be told of a port.
    asked = known(folder)
    _patiently(lambda: ports.check(ports.needs(asked)))
    settings = _internal_ports(machine(folder, requirements=venv.RUNTIME), folder)
    environment.write(folder.env_file, settings)
    database = programs.cluster(settings, folder=folder)
    log = folder.log / "setup.log"
    if not (database.home / "complete").exists():
        say("making a PostgreSQL cluster")
    postgres.initialise(database, log=log)
    redis.prepare(programs.store(settings, folder=folder))
    _empty(Path(settings["PROMETHEUS_MULTIPROC_DIR"]))
    return settings


def _patiently(check: Callable[[], None]) -> None:
    """A killed supervisor's programs need a moment to end; only then is a taken port somebody else's."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            check()
        except CannotGoOnError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _internal_ports(settings: Settings, folder: Folder) -> Settings:
    """PostgreSQL's and Redis's own ports: nobody types them, so a taken one is replaced by the next free one."""
    taken = frozenset(need.port for need in ports.needs(settings))
    names = {"VELOFLUX_POSTGRES_PORT": "PostgreSQL", "VELOFLUX_REDIS_PORT": "Redis"}
    chosen: Settings = {}
    for name, purpose in names.items():
        before = int(settings[name])
        port = _free_soon(before, taken=taken | {int(value) for value in chosen.values()})
        if port != before:
            say(f"port {before} is taken by {ports.holder(before) or 'another program'}; {purpose} takes {port}")
        chosen[name] = str(port)
    return environment.complete(settings, chosen, folder=folder)


def _free_soon(port: int, *, taken: Iterable[int]) -> int:
    wanted = ports.Need(port, "", "")
    busy = frozenset(taken)
    if port not in busy:
        try:
            _patiently(lambda: ports.check([wanted]))
        except CannotGoOnError:
            return ports.free(port + 1, taken=busy)
        return port
    return ports.free(port + 1, taken=busy)


def _empty(path: Path) -> None:
    """Metrics files of processes that are gone would be counted again."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700, parents=True)


def ready_data(settings: Settings, *, folder: Folder) -> None:
    """Wait for PostgreSQL and Redis, and have the console's role and database."""
    log = folder.log / "setup.log"
    database = programs.cluster(settings, folder=folder)
    postgres.wait(database, seconds=60, log=log)
    postgres.provide(database, role="veloflux", password=settings["VELOFLUX_POSTGRES_PASSWORD"], log=log)
    redis.wait(programs.store(settings, folder=folder), seconds=60)


def keep_audit(settings: Settings, *, folder: Folder) -> None:
    postgres.keep_audit(programs.cluster(settings, folder=folder), role="veloflux", log=folder.log / "setup.log")
