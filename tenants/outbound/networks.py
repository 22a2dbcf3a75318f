"""Which addresses are of the public internet, and which only look like it."""

import ipaddress
from collections.abc import Sequence

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IANA's special-purpose registries (RFC 6890 and after). Python's own `is_global` differs from one version to the next.
NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and Alibaba's metadata
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # and Oracle's metadata
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's own services, at a public address
    )
)
PUBLIC_V6 = ipaddress.ip_network("2000::/3")
NOT_PUBLIC_V6 = tuple(
    ipaddress.ip_network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")  # Teredo, documentation, 6to4
)


def why_not(ip: Ip, *, denied: Sequence[Network] = (), allowed: Sequence[Network] = ()) -> str:
    """Why nothing is sent there; empty when it may be. `allowed` wins, except over an address inside an address."""
    if isinstance(ip, ipaddress.IPv6Address) and (ip.ipv4_mapped is not None or ip.scope_id is not None):
        return "is not written as what it is"
    if is_in(ip, allowed):
        return ""
    if is_in(ip, denied):
        return "belongs to the platform"
    if isinstance(ip, ipaddress.IPv4Address):
        return "is not an address of the public internet" if is_in(ip, NOT_PUBLIC) else ""
    # Outside 2000::/3 lie loopback, local, link-local, multicast and the forms that carry an IPv4 address (NAT64).
    public = ip in PUBLIC_V6 and not is_in(ip, NOT_PUBLIC_V6)
    return "" if public else "is not an address of the public internet"


def is_in(ip: Ip, networks: Sequence[Network]) -> bool:
    return any(ip in network for network in networks)
