"""Networks as prefixes of hexadecimal digits."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from balancer.haproxy.networks import MAPPED, MAPPED_V4, digits, network, too_wide

ADDRESSES = st.ip_addresses()


def hexed(address: IPv4Address | IPv6Address) -> str:
    """As HAProxy writes it: `src,hex`, IPv4 behind the prefix of mapped ones."""
    return (MAPPED if address.version == 4 else "") + address.packed.hex().upper()


@given(ADDRESSES, ADDRESSES, st.data())
def test_an_address_begins_with_a_networks_digits_if_it_is_in_it(
    within: IPv4Address | IPv6Address, other: IPv4Address | IPv6Address, data: st.DataObject
) -> None:
    length = data.draw(st.integers(8, within.max_prefixlen))
    found = ip_network(f"{within}/{length}", strict=False)
    assume(found.version == 4 or not found.overlaps(MAPPED_V4))
    prefixes = digits(str(found))
    assert len(prefixes) in (1, 2, 4, 8)
    for address in (within, other, found[0], found[-1], *edges(found)):
        # A mapped address is the IPv4 one, to HAProxy too.
        client = (address.ipv4_mapped if address.version == 6 else None) or address
        assert any(hexed(address).startswith(prefix) for prefix in prefixes) == (client in found)


def edges(found: object) -> list[IPv4Address | IPv6Address]:
    """The addresses right outside."""
    near = ip_network(str(found))
    return [
        ip_address(int(each)) if near.version == 4 else IPv6Address(int(each))
        for each in (int(near[0]) - 1, int(near[-1]) + 1)
        if 0 <= each < 2**near.max_prefixlen
    ]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "fe80::1%eth0",
        "::ffff:10.0.0.0/104",
        "::/16",
        "10.0.0.0/8\n",
        "1.2.3.4 ",
        "0",
    ],
)
def test_what_is_no_network_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        network(value)


def test_everybody_is_no_network_of_a_list() -> None:
    assert [too_wide(network(each)) for each in ("0.0.0.0/0", "10.0.0.0/7", "2000::/3")] == [True] * 3
    assert [too_wide(network(each)) for each in ("10.0.0.0/8", "2400::/16", "10.0.0.1")] == [False] * 3
