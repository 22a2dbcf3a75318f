"""Who listens where: finds a free port, and explains a taken one by the name of its holder."""

import contextlib
import errno
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from veloflux_site.local.say import CannotGoOnError

LISTENING = "0A"  # the state column of /proc/net/tcp


@dataclass(frozen=True, slots=True)
class Need:
    """A port that a program of ours will listen on. `setting` is empty where it cannot be changed."""

    port: int
    purpose: str
    setting: str
    address: str = "127.0.0.1"


def needs(settings: Mapping[str, str]) -> tuple[Need, ...]:
    """Every port of `manage.py up` that a person may know, in the order in which we ask for them."""
    wanted = (
        ("VELOFLUX_CONSOLE_PORT", "the console and API", settings["VELOFLUX_CONSOLE_BIND"]),
        ("VELOFLUX_METRICS_PORT", "metrics", "127.0.0.1"),
        ("VELOFLUX_HTTP_PORT", "HTTP traffic through node n1", ""),
        ("VELOFLUX_HTTPS_PORT", "HTTPS traffic through node n1", ""),
        ("VELOFLUX_HTTP_PORT_2", "HTTP traffic through node n2", ""),
        ("VELOFLUX_HTTPS_PORT_2", "HTTPS traffic through node n2", ""),
        ("VELOFLUX_PASSTHROUGH_PORT", "TLS passed through by node n1", ""),
        ("VELOFLUX_PASSTHROUGH_PORT_2", "TLS passed through by node n2", ""),
    )
    origins = tuple(Need(port, "an origin server of the demo", "") for port in origins_ports(settings))
    return tuple(Need(int(settings[name]), purpose, name, address) for name, purpose, address in wanted) + origins


def origins_ports(settings: Mapping[str, str]) -> range:
    """Of the demo's four origin servers; its backends are made with them on the first start."""
    first = int(settings["VELOFLUX_ORIGINS_PORT"])
    return range(first, first + 4)


def check(wanted: Iterable[Need]) -> None:
    """Raise CannotGoOnError that names every port which we cannot have, its holder and the setting."""
    needed = tuple(wanted)
    ours = frozenset(need.port for need in needed)
    problems = [_problem(need, ours) for need in needed]
    found = [problem for problem in problems if problem]
    if found:
        raise CannotGoOnError("\n".join(found))


def _problem(need: Need, ours: frozenset[int]) -> str:
    try:
        _bind(need.address, need.port)
    except OSError as error:
        instead = free(need.port + 1, taken=ours)
        return explain(need, error.errno or 0, holder(need.port), instead=instead)
    return ""


def _bind(address: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))


def explain(need: Need, error: int, held_by: str, *, instead: int) -> str:
    """The sentence for a port that could not be had. `instead` is one that could: the next may be another of ours."""
    change = f"Stop it, or choose another port: {need.setting}={instead} python3 manage.py up"
    if not need.setting:
        change = (
            "Stop it: the demo's origins have fixed ports from the first start on. Before that, choose the first of "
            "four others: VELOFLUX_ORIGINS_PORT=9201 python3 manage.py up"
        )
    if error == errno.EACCES:
        return (
            f"Port {need.port} ({need.purpose}) is below 1024, which only root may use here. Run as root, or choose a "
            f"port from 1024 on with {need.setting}."
        )
    if error == errno.EADDRNOTAVAIL:
        return f"Nothing can listen on {need.address} (for {need.purpose}): this machine has no such address."
    return f"Port {need.port} ({need.purpose}) is taken by {held_by or 'another program'}. {change}"


def holder(port: int) -> str:
    """Name and pid of the program that listens on a port, as far as /proc lets us see; else empty."""
    inodes = set(_listening_inodes(port))
    for fd in _open_files():
        with contextlib.suppress(OSError):
            target = str(fd.readlink())
            if target.startswith("socket:[") and target[8:-1] in inodes:
                process = fd.parents[1]
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return ""


def _open_files() -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield from (process / "fd").iterdir()


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            yield from inodes_of(port, Path(f"/proc/net/{table}").read_text())


def inodes_of(port: int, table: str) -> Iterator[str]:
    """The socket inodes that listen on a port, from the text of /proc/net/tcp (proc(5))."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == LISTENING and int(fields[1].rsplit(":", 1)[1], 16) == port:
            yield fields[9]


def free(first: int, *, taken: frozenset[int] = frozenset()) -> int:
    """The first port from `first` on that nobody listens on at 127.0.0.1 and that is not among `taken`."""
    for port in range(first, 65536):
        if port in taken:
            continue
        with contextlib.suppress(OSError):
            _bind("127.0.0.1", port)
            return port
    raise CannotGoOnError(f"No free port from {first} on.")


def unused() -> int:
    """A port that the kernel says is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
