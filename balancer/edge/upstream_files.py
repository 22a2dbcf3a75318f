"""Certificates and keys for the way to tenants' servers: each lies once on the disk, under the SHA-256 of its text."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from balancer.edge import files
from balancer.haproxy.desired import Tenant

FOLDER = "certs"  # in the node's own
NAME = re.compile(r"[0-9a-f]{64}")
MOST = 200_000  # characters


class MissingFile(ValueError):
    """A state names a file that neither came with it nor is here."""


def keep(folder: Path, told: Mapping[str, object]) -> None:
    """Write what came with a message; nobody else can read it. Raises MissingFile for what is not what it is called."""
    for name, text in told.items():
        if not isinstance(text, str) or len(text) > MOST or not NAME.fullmatch(name):
            raise MissingFile("a file that is none")
        if hashlib.sha256(text.encode()).hexdigest() != name:
            raise MissingFile("a file that is not what it is called")
        path = folder / f"{name}.pem"
        if not path.exists():
            files.folder(folder)
            files.write(path, text, durable=True)


def require(folder: Path, state: Tenant) -> None:
    """Raises MissingFile."""
    for name in names(state):
        if not (folder / f"{name}.pem").exists():
            raise MissingFile("a certificate that did not come with the configuration")


def names(state: Tenant) -> set[str]:
    tls = [pool.serving.tls for pool in state.pools if pool.serving.tls is not None]
    return {name for one in tls for name in (one.ca, one.certificate) if name}


def clean(folder: Path, states: Iterable[Tenant | None]) -> None:
    """Delete what no state needs any more."""
    there = [path for path in folder.glob("*.pem") if NAME.fullmatch(path.stem)]
    if not there:
        return
    needed = {name for state in states if state is not None for name in names(state)}
    for path in there:
        if path.stem not in needed:
            path.unlink(missing_ok=True)
