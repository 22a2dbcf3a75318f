"""A Redis of our own: loopback, a password, append-only, and an ACL file to which the control plane adds node users."""

import hashlib
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from veloflux_site.local import private
from veloflux_site.local.say import CannotGoOnError


@dataclass(frozen=True, slots=True)
class Store:
    server: Path
    home: Path
    port: int
    password: str
    also: str = ""  # an address besides loopback
    durable: bool = True  # false for tests: nothing is written to the disk

    @property
    def config(self) -> Path:
        return self.home / "redis.conf"

    @property
    def users(self) -> Path:
        return self.home / "users.acl"

    def command(self) -> list[str]:
        return [str(self.server), str(self.config)]


def prepare(store: Store) -> None:
    """Write what the server reads. Users that were added at run time (ACL SAVE) stay."""
    store.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    private.write(store.config, config_text(store))
    others = store.users.read_text() if store.users.exists() else ""
    private.write(store.users, users_text(store, others=others))


def config_text(store: Store) -> str:
    lines = (
        *(
            f"bind 127.0.0.1 {store.also}".rstrip(),
            f"port {store.port}",
            "protected-mode yes",
            "daemonize no",
            'logfile ""',
        ),
        *(f'dir "{store.home}"', f'aclfile "{store.users}"', "maxmemory-policy noeviction", 'save ""'),
        # Nothing is acknowledged to a person on Redis's word alone, so a second lost to a power cut is made good.
        *((f"appendonly {'yes' if store.durable else 'no'}"), "appendfsync everysec"),
    )
    return "".join(f"{line}\n" for line in lines)


def users_text(store: Store, *, others: str) -> str:
    """The ACL file: `default` with our password's digest, then every other user as it stands."""
    digest = hashlib.sha256(store.password.encode()).hexdigest()
    kept = [line for line in others.splitlines() if line.strip() and not line.startswith("user default ")]
    return "\n".join([f"user default on #{digest} ~* &* +@all", *kept]) + "\n"


def wait(store: Store, *, seconds: float) -> None:
    """Return when it answers PING. Raises CannotGoOnError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not _pong(store):
        if time.monotonic() > deadline:
            raise CannotGoOnError(f"Redis did not answer on port {store.port} within {seconds:.0f} s.")
        time.sleep(0.05)


def _pong(store: Store) -> bool:
    """AUTH and PING in the protocol's inline form; a server that still loads its file answers -LOADING."""
    try:
        with socket.create_connection(("127.0.0.1", store.port), timeout=2) as connection:
            connection.sendall(f"AUTH default {store.password}\r\nPING\r\nQUIT\r\n".encode())
            with connection.makefile("rb") as answers:
                return b"+PONG" in answers.read()
    except OSError:
        return False
