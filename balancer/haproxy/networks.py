"""Networks as what a map can find an address in: the first digits of it, in hexadecimal.

HAProxy's `map_ip` knows no tenant, so that two could not name one network. `map_beg` finds the longest of the prefixes
`<tenant>/<digits>` by walking down one tree: its cost is the key's length, whatever number of tenants and networks
there is. An IPv4 address is written as IPv6 writes one (::ffff:a.b.c.d), so that one map holds both.
"""

from ipaddress import IPv4Network, IPv6Network, ip_network

MAPPED = "00000000000000000000FFFF"  # how HAProxy's `hex` of a mapped IPv4 address begins
WIDEST_V4, WIDEST_V6 = 8, 16  # bits; what is wider is "everybody", which no list shall say
MAPPED_V4 = IPv6Network("::ffff:0:0/96")
_V4_BITS, _BITS, _DIGIT = 32, 128, 4


def network(value: str) -> IPv4Network | IPv6Network:
    """An address or a network without host bits, in its own family. Raises ValueError."""
    found = ip_network(value, strict=True)
    if isinstance(found, IPv6Network) and found.network_address.scope_id:
        raise ValueError("an address with a scope")
    if isinstance(found, IPv6Network) and found.overlaps(MAPPED_V4):
        raise ValueError("IPv4 addresses inside of IPv6")
    return found


def too_wide(found: IPv4Network | IPv6Network) -> bool:
    return found.prefixlen < (WIDEST_V4 if found.version == 4 else WIDEST_V6)


def digits(value: str) -> list[str]:
    """The prefixes that all of the network's addresses and no others begin with: 1, 2, 4 or 8. Raises ValueError."""
    found = network(value)
    start, length = int(found.network_address), found.prefixlen
    if found.version == 4:
        start, length = (0xFFFF << _V4_BITS) | start, length + _BITS - _V4_BITS
    count = -(-length // _DIGIT)
    first = start >> (_BITS - count * _DIGIT)
    return [f"{first + step:0{count}X}" for step in range(2 ** (count * _DIGIT - length))]
