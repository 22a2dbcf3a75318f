"""Which addresses a tenant may send traffic to: none that leads into the platform or the machine itself."""

import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from tenants.outbound.guard import Unreachable, canonical, is_address

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
# What answers with a machine's own credentials: AWS, GCP and Azure; Alibaba; Oracle; Azure's own services; AWS's v6.
METADATA = tuple(
    ipaddress.ip_address(address)
    for address in ("169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")
)
CARRIES_V4 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))
THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
SHAPE = "Write it as address:port, like 10.0.0.5:8080, [2001:db8::5]:8080 or app.example.com:8080."


class Address(NamedTuple):
    """An `ip` as it is usually written, or the name of a `host`: lower case, ASCII, without a last dot."""

    ip: str | None
    host: str | None
    port: int


class Policy(NamedTuple):
    """`denied`: the platform's own networks. `own_ports`: what the platform itself listens on at loopback."""

    loopback_allowed: bool = False
    own_ports: frozenset[int] = frozenset()
    denied: Sequence[Network] = ()


def parse(value: str, policy: Policy) -> Address:
    """An address that traffic may go to. Raise `ValueError` with a sentence that names the fix."""
    address = read(value)
    if address.ip is not None:
        refuse_unsafe(ipaddress.ip_address(address.ip), address.port, policy)
    return address


def may_serve(ip: str, port: int, policy: Policy) -> bool:
    """What `parse` would say of an address that a name has."""
    try:
        refuse_unsafe(ipaddress.ip_address(ip), port, policy)
    except ValueError:
        return False
    return True


def read(value: str) -> Address:
    """Wherever it leads. Raise `ValueError` with a sentence that names the fix."""
    host, colon, port = value.strip().rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or (":" in host and not host.startswith("[")):
        raise ValueError(f"The address has no port. {SHAPE}")
    number = int(port) if len(port) < 7 else 0
    if not 1 <= number <= 65535:
        raise ValueError(f"The port of an address is from 1 to 65535; {port[:12]} is not.")
    with suppress(ValueError):
        return Address(str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))), None, number)
    return Address(None, name(host), number)


def name(host: str) -> str:
    """One that leads to the same wherever it is asked: whole, with a dot in it."""
    try:
        found = canonical(host)
    except Unreachable:
        raise ValueError(f"“{host[:80]}” is neither an IP address nor a host name. {SHAPE}") from None
    if is_address(found):
        raise ValueError(f"“{host[:80]}” is neither an IP address nor a host name. {SHAPE}")
    if "." not in found:
        raise ValueError(f"“{found[:80]}” means something on one machine only; write the whole name, with its dots.")
    return found


def refuse_unsafe(ip: Ip, port: int, policy: Policy) -> None:
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.scope_id is not None:
            raise ValueError("An address with a zone (%eth0) means something on one machine only; leave the zone out.")
        if ip.ipv4_mapped is not None:
            raise ValueError(f"Write the IPv4 address itself: {ip.ipv4_mapped}.")
        if any(ip in network for network in CARRIES_V4):
            raise ValueError(
                "An address that carries an IPv4 address inside is refused; write the IPv4 address itself."
            )
    if ip in METADATA:
        raise ValueError(f"{ip} is a cloud's metadata address; traffic is never sent there.")
    if ip.is_link_local:
        raise ValueError(f"{ip} is link-local; use an address that the nodes can route to.")
    if ip.is_loopback:
        refuse_loopback(ip, port, policy)
        return
    if ip.is_unspecified or ip.is_multicast or ip.is_reserved or ip in THIS_NETWORK:
        raise ValueError(f"{ip} does not name one machine; use the address that your server listens on.")
    if any(ip in network for network in policy.denied):
        raise ValueError(f"{ip} belongs to the platform; use an address of your own network.")


def refuse_loopback(ip: Ip, port: int, policy: Policy) -> None:
    if not policy.loopback_allowed or ip not in LOOPBACK:
        raise ValueError(f"{ip} is loopback, the node itself; use an address of your own network.")
    if port in policy.own_ports:
        raise ValueError(f"Port {port} of {ip} is the platform's own; use your server's.")
