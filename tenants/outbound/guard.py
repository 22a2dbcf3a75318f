"""Look a name up once, refuse where it may not lead, and connect to the very address that was judged."""

import ipaddress
import re
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from django.conf import settings

from tenants.outbound import networks, waiting

RESOLVE_SECONDS = 5.0
LOOKUPS_AT_ONCE = 8  # a resolver that hangs keeps a thread for as long as it likes
NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")


class Why(StrEnum):
    """What did not work, for whoever shows it step by step."""

    NAME = "name"  # it is none, or has no address
    REFUSED = "refused"  # we do not go there
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    ANSWER = "answer"  # too large, or not what was expected


class Unreachable(Exception):
    """`sentence` is for a person of the tenant: it names the host and the fix, and nothing of ours."""

    def __init__(self, sentence: str, why: Why = Why.CONNECT) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.why = why


@dataclass(frozen=True, slots=True)
class Address:
    """Of `host`; one that was judged, and may be connected to. `inside`: by OUTBOUND_ALLOWED, not the internet."""

    ip: str
    port: int
    host: str
    inside: bool = False


def resolve(host: str, port: int, *, ports: frozenset[int] | None = None, ours: bool = False) -> list[Address]:
    """Every address of it, at least one. `ports`: the ones that this use may have; all of an allowed network's may.
    `ours`: the platform's operator named it, not a tenant, so it may be anywhere.

    Raise `Unreachable` when one of them may not be reached: a name that leads to both is nobody's mistake.
    """
    waiting.let_others_ask()
    name = canonical(host)
    if not 1 <= port <= 65535:
        raise Unreachable(f"The port is from 1 to 65535; {port} is not.", Why.NAME)
    if ours:
        return [Address(ip, port, name, inside=True) for ip in _addresses(name)]
    found = [_judged(ip, port, name) for ip in _addresses(name)]
    if ports is not None and port not in ports and not all(address.inside for address in found):
        usual = ", ".join(str(one) for one in sorted(ports))
        raise Unreachable(f"Port {port} is not used for this; the ports are {usual}.", Why.REFUSED)
    return found


def connect(addresses: Sequence[Address], *, until: float) -> socket.socket:
    """To the first that answers. `until` is of `time.monotonic()`. Raise `Unreachable`."""
    problem: OSError = TimeoutError()
    for address in addresses:
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection((address.ip, address.port), timeout=left)
        except OSError as error:
            problem = error
    here = f"{addresses[0].host} port {addresses[0].port}"
    if isinstance(problem, TimeoutError):
        raise Unreachable(f"{here} does not answer. Is a firewall in between?", Why.TIMEOUT) from problem
    raise Unreachable(f"{here} takes no connection: {problem.strerror or 'refused'}.") from problem


def canonical(host: str) -> str:
    """Lower case and ASCII. Raise `Unreachable` for what is neither a name nor an address as it is usually written."""
    text = host.strip().lower().removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        return str(ipaddress.ip_address(text))
    text = text.removesuffix(".")
    with suppress(UnicodeError):
        text = text.encode("idna").decode().lower()
    # 2130706433, 0x7f.1 and 0177.0.0.1 are addresses to a C library and names to everybody else.
    last = text.rpartition(".")[2]
    if len(text) > 253 or not NAME.fullmatch(text) or last.isdigit() or last.startswith("0x"):
        raise Unreachable(f"“{host[:80]}” is neither a host name nor an IP address.", Why.NAME)
    return text


def port_may(port: int, ports: frozenset[int]) -> bool:
    """Before a name is looked up. An allowed network's may have any, and who knows where the name leads."""
    return port in ports or bool(settings.OUTBOUND_ALLOWED)


def is_address(host: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


def _addresses(name: str) -> list[str]:
    """Asked once, and not for longer than `RESOLVE_SECONDS`."""
    with suppress(ValueError):
        return [str(ipaddress.ip_address(name))]
    try:
        rows = _lookups().submit(socket.getaddrinfo, name, None, type=socket.SOCK_STREAM).result(RESOLVE_SECONDS)
    except TimeoutError as error:
        raise Unreachable(f"Looking up {name} took too long.", Why.TIMEOUT) from error
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The name {name} has no address.", Why.NAME) from error
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def _judged(ip: str, port: int, name: str) -> Address:
    parsed = ipaddress.ip_address(ip)
    denied, allowed = settings.DENIED_NETWORKS, settings.OUTBOUND_ALLOWED
    why = networks.why_not(parsed, denied=denied, allowed=allowed)
    if why:
        what = ip if ip == name else f"{name} leads to {ip}, which"
        raise Unreachable(f"{what} {why}; nothing is sent there.", Why.REFUSED)
    if parsed.is_loopback and port in settings.OWN_PORTS:
        raise Unreachable(f"Port {port} of {ip} is the platform's own; nothing is sent there.", Why.REFUSED)
    return Address(ip, port, name, inside=networks.is_in(parsed, allowed))


@cache
def _lookups() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="lookup")
