"""Django's commands, run in the venv with the console's environment."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from veloflux_site.local import environment, launch, ports
from veloflux_site.local.folder import Folder
from veloflux_site.local.say import CannotGoOnError, say
from veloflux_site.local.shell import run


@dataclass(frozen=True, slots=True)
class Seeded:
    """What bootstrap made or found. The secrets are there only on the run that made them."""

    created: bool
    host: str
    email: str
    password: str
    api_key: str


def command(words: Sequence[str], *, settings: Mapping[str, str], folder: Folder, doing: str) -> str:
    """Run one and return what it printed. Raises CannotGoOnError with its last words."""
    return in_venv(("-m", "veloflux_site.django_command", *words), settings=settings, folder=folder, doing=doing)


def in_venv(words: Sequence[str], *, settings: Mapping[str, str], folder: Folder, doing: str) -> str:
    known = {name: value for name, value in settings.items() if environment.is_setting(name)}
    line: list[str | Path] = [folder.python, *words]
    env = launch.common(os.environ) | known
    return run(line, doing=doing, log=folder.log / "setup.log", env=env, cwd=folder.root, seconds=600)


def migrate(settings: Mapping[str, str], *, folder: Folder) -> None:
    command(["migrate_fleet"], settings=settings, folder=folder, doing="Bringing the database up to date")


def bootstrap(settings: Mapping[str, str], *, folder: Folder) -> Seeded:
    """Have staff, a cluster, its nodes and the demo tenant."""
    origins = ",".join(f"127.0.0.1:{port}" for port in ports.origins_ports(settings))
    line = ["bootstrap", "--json", "--origins", origins]
    words = command(line, settings=settings, folder=folder, doing="Making the demo tenant")
    try:
        found = json.loads(words.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError) as wrong:
        raise CannotGoOnError(f"manage.py bootstrap did not answer with JSON: {words[-300:]!r}") from wrong
    return Seeded(
        created=bool(found.get("created")),
        host=str(found.get("host") or ""),
        email=str(found.get("email") or ""),
        password=str(found.get("password") or ""),
        api_key=str(found.get("api_key") or ""),
    )


def collect_static(settings: Mapping[str, str], *, folder: Folder) -> None:
    """Gather and hash what browsers load, if any of it changed since the last time."""
    target = Path(settings["VELOFLUX_STATIC_ROOT"])
    note = target / ".collected"
    digest = _static_digest(folder)
    if note.exists() and note.read_text() == digest:
        return
    say("collecting static files")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    module = ("-m", "veloflux_site.local.collect")
    in_venv(module, settings=settings, folder=folder, doing="Collecting static files")
    note.write_text(digest)


def _static_digest(folder: Folder) -> str:
    """Of the names, sizes and times of our own files, and of the requirements that bring the rest."""
    digest = hashlib.sha256((folder.root / "requirements.txt").read_bytes())
    for file in sorted(_files(folder.root)):
        about = file.stat()
        digest.update(f"{file}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    # Not `*/static`: that would match `.veloflux/static`, which changes with each collection.
    for folder in (root / "static", *root.glob("[a-z]*/static")):
        yield from (path for path in folder.rglob("*") if path.is_file())
