"""Which addresses a tenant may send traffic to."""

import ipaddress

import pytest

from balancer.services import addresses
from balancer.services.addresses import Address, Policy

STRICT = Policy()
DEMO = Policy(loopback_allowed=True, own_ports=frozenset({9090}))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("10.0.0.5:8080", Address("10.0.0.5", None, 8080)),
        ("203.0.113.9:1", Address("203.0.113.9", None, 1)),
        ("[2001:db8::5]:65535", Address("2001:db8::5", None, 65535)),
        (" 10.0.0.5:80 ", Address("10.0.0.5", None, 80)),
        ("app.example.com:80", Address(None, "app.example.com", 80)),
        ("App.Example.COM.:80", Address(None, "app.example.com", 80)),
        ("_http.app-1.example.com:80", Address(None, "_http.app-1.example.com", 80)),
        ("bücher.example:80", Address(None, "xn--bcher-kva.example", 80)),
    ],
)
def test_an_address_is_read_as_written(written: str, meant: Address) -> None:
    assert addresses.parse(written, STRICT) == meant


@pytest.mark.parametrize(
    "written",
    [
        "10.0.0.5",
        "10.0.0.5:",
        "10.0.0.5:0",
        "10.0.0.5:70000",
        "10.0.0.5:-1",
        "10.0.0.5:٣",
        "10.0.0.5:99999999999999999999",
        "2001:db8::5:80",
        "localhost:80",
        "db:80",
        "-a.example.com:80",
        "a..example.com:80",
        "a b.example.com:80",
        "a.example.com/x:80",
        "a.example.com\nserver x 10.0.0.1:80",
        "${HOME}.example.com:80",
        "%[src].example.com:80",
        f"{'a' * 64}.example.com:80",
        f"{'a.' * 127}com:80",
        "2130706433.0x7f000001:80",
        "1.2.3.4.5:80",
        "unix@/run/x:80",
        "abns@x:1",
        ":80",
        "10.0.0.5:80 #",
        "0x7f.1:80",
        "127.1:80",
        "127.0.0.1:80",
        "[::1]:80",
        "[::ffff:127.0.0.1]:80",
        "[::ffff:10.0.0.1]:80",
        "169.254.169.254:80",
        "169.254.1.1:80",
        "[fe80::1]:80",
        "[fe80::1%eth0]:80",
        "[fd00:ec2::254]:80",
        "100.100.100.200:80",
        "192.0.0.192:80",
        "168.63.129.16:80",
        "0.0.0.0:80",
        "0.1.2.3:80",
        "[::]:80",
        "224.0.0.1:80",
        "[ff02::1]:80",
        "255.255.255.255:80",
        "240.0.0.1:80",
        "[64:ff9b::7f00:1]:80",
        "[2002:7f00:1::]:80",
    ],
)
def test_what_leads_into_the_machine_or_nowhere_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        addresses.parse(written, STRICT)


def test_the_demo_allows_loopback_but_not_our_own_ports() -> None:
    assert addresses.parse("127.0.0.1:9101", DEMO).port == 9101
    with pytest.raises(ValueError, match="platform's own"):
        addresses.parse("127.0.0.1:9090", DEMO)
    with pytest.raises(ValueError, match="metadata"):
        addresses.parse("169.254.169.254:80", DEMO)


def test_the_platforms_networks_are_refused_by_name() -> None:
    policy = Policy(denied=[ipaddress.ip_network("10.9.0.0/16")])
    with pytest.raises(ValueError, match="belongs to the platform"):
        addresses.parse("10.9.1.1:80", policy)
