"""Debian and Ubuntu packages: installed where we are root, else unpacked into `.veloflux/prefix`."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from veloflux_site.local import prefix
from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError, say
from veloflux_site.local.shell import run

POLICY = Path("/usr/sbin/policy-rc.d")
CLUSTERS = Path("/etc/postgresql-common/createcluster.conf")
OPTIONS = ("-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Options::=--force-confold", "-y", "--no-install-recommends")


def get(names: Sequence[str], *, folder: Folder) -> None:
    """Make what these packages hold available on this machine.

    Raises CannotGoOnError where there is no apt, or it cannot reach or find them."""
    if shutil.which("apt-get") is None:
        raise CannotGoOnError(
            f"Missing on this machine: {', '.join(names)}. Without apt-get we cannot get them: install them with the "
            "system's own package manager, then start again."
        )
    if os.geteuid() == 0:
        say(f"installing {' '.join(names)} with apt-get")
        install(names, log=folder.log / "apt.log")
    else:
        say(f"unpacking {' '.join(names)} into .veloflux/prefix (no root here)")
        prefix.unpack(names, folder=folder, log=folder.log / "apt.log")


def install(names: Sequence[str], *, log: Path) -> None:
    """apt-get install, without starting a daemon and without PostgreSQL's own `main` cluster."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", *OPTIONS[:2]], doing="apt-get update", log=log, env=env)
    with _no_daemons(), _no_main_cluster():
        run(["apt-get", "install", *OPTIONS, *names], doing=f"Installing {' '.join(names)}", log=log, env=env)


@contextlib.contextmanager
def _no_daemons() -> Iterator[None]:
    """invoke-rc.d asks policy-rc.d; 101 means: do not start it. One that is there already stays as it is."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


@contextlib.contextmanager
def _no_main_cluster() -> Iterator[None]:
    """Written before postgresql-common reads it, which then keeps it (--force-confold)."""
    if not CLUSTERS.exists():
        CLUSTERS.parent.mkdir(parents=True, exist_ok=True)
        CLUSTERS.write_text("# VeloFlux starts clusters of its own.\ncreate_main_cluster = false\n")
    yield
