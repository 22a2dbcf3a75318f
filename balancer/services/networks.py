"""Lists of networks: what may stand in one, and the sentence for what may not."""

from collections.abc import Sequence
from ipaddress import IPv6Network, ip_network

from balancer.haproxy.networks import MAPPED_V4, WIDEST_V4, WIDEST_V6, network, too_wide
from balancer.services.rules import Problems

MOST = 50


def listed(field: str, values: Sequence[str], problems: Problems) -> list[str]:
    """Each in its one spelling and once; what is wrong is noted under the field and its place in it."""
    if len(values) > MOST:
        problems.add(field, f"A list takes {MOST} networks; this has {len(values)}. Join some into wider ones.", "many")
        return []
    found = [problems.take(f"{field}.{index}", one, value) for index, value in enumerate(values)]
    return list(dict.fromkeys(each for each in found if each is not None))


def one(value: str) -> str:
    """`10.0.0.0/8`, `2001:db8::/32`; an address is the network of itself. Raises ValueError with a sentence."""
    try:
        found = ip_network(value.strip(), strict=False)
    except ValueError:
        raise ValueError(
            f"“{value[:60]}” is not a network. Write an address or a network, like 203.0.113.7 or 2001:db8::/32."
        ) from None
    if isinstance(found, IPv6Network) and (found.network_address.scope_id or "%" in value):
        raise ValueError("An address with a zone (%eth0) means something on one machine only; leave the zone out.")
    try:
        found = network(value.strip())
    except ValueError:
        if isinstance(found, IPv6Network) and found.overlaps(MAPPED_V4) and found.prefixlen >= MAPPED_V4.prefixlen:
            raise ValueError("Write the IPv4 network itself, without the ::ffff: in front.") from None
        if not too_wide(found) and str(found.network_address) != value.partition("/")[0].strip():
            raise ValueError(f"{value.strip()} has bits beyond its length; the network is {found}.") from None
        found = ip_network(found)
    if too_wide(found) or (isinstance(found, IPv6Network) and found.overlaps(MAPPED_V4)):
        raise ValueError(f"{found} is too wide: a network is /{WIDEST_V4} or longer, in IPv6 /{WIDEST_V6} or longer.")
    return str(found)
