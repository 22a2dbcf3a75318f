"""Can HAProxy have this address? Asked before a reload, because a bind conflict passes `haproxy -c` and then stops
every frontend for two seconds (`haproxy.md 1.3`)."""

import re
import socket
from collections.abc import Iterable

from balancer.edge.errors import EdgeError

BIND = re.compile(r"^\s*bind\s+(\S+)", re.MULTILINE)


class AddressTaken(EdgeError):
    """Somebody else listens there, or this machine does not have the address."""


def addresses(configuration: str) -> frozenset[str]:
    """The network addresses of the `bind` lines; unix and abstract sockets are ours alone."""
    found = (one for many in BIND.findall(configuration) for one in many.split(","))
    return frozenset(one for one in found if not one.startswith(("unix@", "abns@", "/", "fd@")))


def require_free(wanted: Iterable[str]) -> None:
    """Raise AddressTaken with a sentence naming the first address that cannot be had."""
    for address in sorted(wanted):
        try:
            _bind(address)
        except OSError as error:
            raise AddressTaken(f"HAProxy cannot listen on {address}: {error.strerror or error}.") from error


def refusal(address: str) -> str:
    """Why it cannot be had, or "" where it can."""
    try:
        require_free([address])
    except AddressTaken as error:
        return str(error)
    return ""


def _bind(address: str) -> None:
    host, _, port = address.removeprefix("ipv4@").removeprefix("ipv6@").rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without SO_REUSEADDR a port that only has connections in TIME_WAIT would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("" if host in ("", "*") else host, int(port)))
        # Two sockets may be bound with SO_REUSEADDR while neither listens.
        probe.listen(1)
