"""The programs that are not Python: found on this machine or in the prefix, and new enough."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from veloflux_site.local import packages
from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError

HAPROXY_FLOOR = (2, 6)
POSTGRES_FLOOR = 15  # Debian 12's; psql's \\getenv came with it
SYSTEM = ("/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin")


@dataclass(frozen=True, slots=True)
class Binaries:
    haproxy: Path
    redis: Path
    postgres: Path  # the folder with initdb, postgres and psql of one version

    def settings(self) -> dict[str, str]:
        return {
            "VELOFLUX_HAPROXY": str(self.haproxy),
            "VELOFLUX_REDIS_SERVER": str(self.redis),
            "VELOFLUX_POSTGRES_BIN": str(self.postgres),
        }


def have(settings: Mapping[str, str], *, folder: Folder, data_version: str = "") -> Binaries:
    """Find all three, installing what is missing. `data_version` is the PostgreSQL that wrote the data, if any.

    Raises CannotGoOnError for what cannot be had or is too old."""
    missing = [name for name, found in _look(settings, folder, data_version).items() if found is None]
    if missing:
        packages.get(missing, folder=folder)
    found = _look(settings, folder, data_version)
    absent = [name for name, path in found.items() if path is None]
    if absent:
        wanted = f"PostgreSQL {data_version}, which wrote the data here" if data_version else "PostgreSQL"
        names = ", ".join(wanted if name == "postgresql" else name for name in absent)
        raise CannotGoOnError(
            f"Not found on this machine, nor in its packages: {names}. The log is {folder.log}/apt.log."
        )
    haproxy, redis, postgres = (path for path in found.values() if path)
    check_haproxy(haproxy, words=_output(haproxy, "-v"))
    return Binaries(haproxy=haproxy, redis=redis, postgres=postgres)


def have_haproxy(settings: Mapping[str, str], *, folder: Folder) -> Path:
    """All that a node needs. Raises CannotGoOnError."""
    found = _chosen(settings, "VELOFLUX_HAPROXY") or find(("haproxy",), folder=folder)
    if found is None:
        packages.get(["haproxy"], folder=folder)
        found = find(("haproxy",), folder=folder)
    if found is None:
        raise CannotGoOnError(f"HAProxy was not found, nor in the packages. The log is {folder.log}/apt.log.")
    check_haproxy(found, words=_output(found, "-v"))
    return found


def _look(settings: Mapping[str, str], folder: Folder, data_version: str) -> dict[str, Path | None]:
    """By the name of the package that holds it, the path of each program."""
    return {
        "haproxy": _chosen(settings, "VELOFLUX_HAPROXY") or find(("haproxy",), folder=folder),
        "redis-server": _chosen(settings, "VELOFLUX_REDIS_SERVER")
        or find(("redis-server", "valkey-server"), folder=folder),
        "postgresql": _chosen_postgres(settings, data_version) or _postgres(folder, data_version),
    }


def _chosen(settings: Mapping[str, str], name: str) -> Path | None:
    path = Path(settings.get(name) or "/nonexistent")
    return path if os.access(path, os.X_OK) else None


def _chosen_postgres(settings: Mapping[str, str], data_version: str) -> Path | None:
    folder = _chosen(settings, "VELOFLUX_POSTGRES_BIN")
    return folder if folder and major(folder) and data_version in ("", str(major(folder))) else None


def find(names: Iterable[str], *, folder: Folder) -> Path | None:
    """The first of the names on PATH, in the places that a plain user's PATH lacks, or in the prefix."""
    places = [*os.environ.get("PATH", "").split(":"), *SYSTEM, str(folder.prefix / "bin")]
    for name in names:
        found = shutil.which(name, path=":".join(places))
        if found:
            return Path(found).absolute()
    return None


def _postgres(folder: Folder, data_version: str) -> Path | None:
    """The newest version's folder that has both initdb and postgres; the data's own version where there is data."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *(folder.prefix / "bin").glob("[0-9]*")]
    on_path = shutil.which("initdb")
    if on_path:
        places.append(Path(on_path).resolve().parent)
    versions = {path: major(path) for path in places}
    good = [path for path, version in versions.items() if version >= POSTGRES_FLOOR]
    if data_version:
        good = [path for path in good if str(versions[path]) == data_version]
    return max(good, key=lambda path: versions[path], default=None)


def major(folder: Path) -> int:
    """The major version of the PostgreSQL in a folder; 0 where there is none that runs."""
    if not all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres", "psql")):
        return 0
    found = re.search(r"(\d+)", _output(folder / "postgres", "--version"))
    return int(found.group(1)) if found else 0


def _output(program: Path, argument: str) -> str:
    try:
        return subprocess.run([program, argument], capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def check_haproxy(path: Path, *, words: str) -> str:
    """The version out of what `haproxy -v` says. Raises CannotGoOnError below the floor, or if it is no HAProxy."""
    found = re.search(r"version (\d+)\.(\d+)(\S*)", words)
    if not found:
        raise CannotGoOnError(
            f"{path} did not say its version; is it HAProxy? Choose one with VELOFLUX_HAPROXY=/path/to/haproxy."
        )
    version = int(found.group(1)), int(found.group(2))
    if version < HAPROXY_FLOOR:
        raise CannotGoOnError(
            f"{path} is HAProxy {version[0]}.{version[1]}; VeloFlux needs 2.6 or later: older ones cannot add and "
            "remove servers while they run. Debian 12, Ubuntu 24.04 and later bring one that is new enough; or choose "
            "another with VELOFLUX_HAPROXY=/path/to/haproxy."
        )
    return f"{version[0]}.{version[1]}{found.group(3)}"
