"""A node's settings, all from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REQUIRED = (
    "VELOFLUX_NODE_ID",
    "VELOFLUX_NODE_NAME",
    "VELOFLUX_NODE_DIR",
    "VELOFLUX_NODE_HTTP_BIND",
    "VELOFLUX_HAPROXY",
)
WORKER_REQUIRED = ("VELOFLUX_NODE_KEY", "VELOFLUX_NODE_BROKER_URL")


class SettingsMissing(Exception):
    """The environment lacks what a node needs, or holds what it cannot use; the message names each variable."""


@dataclass(frozen=True, slots=True)
class NodeEnvironment:
    """Where a node lives and what it binds. `https_bind` empty: nothing listens for TLS; `passthrough_bind` empty: none
    is passed through by name. `tcp_address`: where it opens tenants' own ports. `tunnel_idle_s`: how long a WebSocket
    may be silent; `hard_stop_s`: how long connections of before a reload may go on."""

    id: str
    name: str
    folder: Path
    http_bind: str
    https_bind: str
    haproxy: str
    threads: int
    key: str
    broker_url: str
    passthrough_bind: str = ""
    tcp_address: str = "127.0.0.1"
    tunnel_idle_s: int = 3600
    hard_stop_s: int = 600

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], *, worker: bool = True) -> "NodeEnvironment":
        """Read the contract's variables; `worker=False` (boot) needs neither key nor broker.

        Raises SettingsMissing naming every variable that is absent or unusable.
        """
        wanted = REQUIRED + (WORKER_REQUIRED if worker else ())
        missing = [name for name in wanted if not environ.get(name)]
        if missing:
            raise SettingsMissing(f"Set {', '.join(missing)} in the environment of this node.")
        threads = environ.get("VELOFLUX_NODE_THREADS", "2")
        if not threads.isdecimal() or not 2 <= int(threads) <= 64:
            raise SettingsMissing("VELOFLUX_NODE_THREADS must be a number from 2 to 64: one thread is the console's.")
        seconds = {
            name: _seconds(environ, variable, usual)
            for name, variable, usual in (
                ("tunnel_idle_s", "VELOFLUX_NODE_TUNNEL_SECONDS", 3600),
                ("hard_stop_s", "VELOFLUX_NODE_HARD_STOP_SECONDS", 600),
            )
        }
        return cls(
            **seconds,
            id=environ["VELOFLUX_NODE_ID"],
            name=environ["VELOFLUX_NODE_NAME"],
            folder=Path(environ["VELOFLUX_NODE_DIR"]).absolute(),
            http_bind=environ["VELOFLUX_NODE_HTTP_BIND"],
            https_bind=environ.get("VELOFLUX_NODE_HTTPS_BIND", ""),
            haproxy=environ["VELOFLUX_HAPROXY"],
            threads=int(threads),
            key=environ.get("VELOFLUX_NODE_KEY", ""),
            broker_url=environ.get("VELOFLUX_NODE_BROKER_URL", ""),
            passthrough_bind=environ.get("VELOFLUX_NODE_PASSTHROUGH_BIND", ""),
            tcp_address=environ.get("VELOFLUX_NODE_TCP_ADDRESS") or _host_of(environ["VELOFLUX_NODE_HTTP_BIND"]),
        )

    @property
    def admin_socket(self) -> Path:
        return self.folder / "run" / "admin.sock"

    @property
    def log_socket(self) -> Path:
        """Where HAProxy writes its access log to, and the worker reads it."""
        return self.folder / "run" / "log.sock"

    @property
    def master_socket(self) -> Path:
        return self.folder / "run" / "master.sock"

    @property
    def certificates(self) -> Path:
        """Private keys, outside every tree: each lies on the disk once, and under one name over all reloads."""
        return self.folder / "certs"

    @property
    def current(self) -> Path:
        """The tree that HAProxy reads: a symlink to config/<n>."""
        return self.folder / "config" / "current"


def _seconds(environ: Mapping[str, str], variable: str, usual: int) -> int:
    text = environ.get(variable) or str(usual)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 604_800):
        raise SettingsMissing(f"{variable} must be a number of seconds, a week at most.")
    return int(text)


def _host_of(bind: str) -> str:
    """Of an address with a port; where none is named, all."""
    return bind.rpartition(":")[0].removeprefix("ipv4@").removeprefix("ipv6@") or "*"
