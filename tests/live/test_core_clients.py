"""Limits of each client, who a client is, and the headers of answers, asked of a running HAProxy."""

import http.client
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from balancer.haproxy.desired import HealthCheck, Pool, Route, Server, Tenant
from balancer.haproxy.protection import (
    NAMES,
    ClientRules,
    ContentTypeOptions,
    FrameOptions,
    Hsts,
    PermissionsPolicy,
    ReferrerPolicy,
    SecurityHeaders,
)
from tests.live.core_node import LiveNode, Origins

pytestmark = pytest.mark.live

HERE, THERE = "127.0.0.1", "127.0.0.2"


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


class Telling(BaseHTTPRequestHandler):
    """Says what address it was told, and has an opinion about frames."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps(self.headers.get_all("X-Forwarded-For")).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Frame-Options", "SAMEORIGIN")
        self.send_header("X-Frame-Options", "ALLOW-FROM https://a.test")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class has
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = Origins(("127.0.0.1", 0), Telling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def site(key: str, port: int) -> Tenant:
    pool = Pool("p1", servers=(Server("b1", HERE, port),), health_check=HealthCheck(interval_ms=200))
    return Tenant(key, (pool,), (Route("r1", f"{key}.test", "/", "p1"),))


@pytest.fixture
def ours(port: int) -> Tenant:
    return site("ta", port)


@pytest.fixture
def node(tmp_path: Path, ours: Tenant, port: int) -> Iterator[LiveNode]:
    live = LiveNode(tmp_path, ours, site("tb", port), ipv6=has_ipv6())
    yield live
    live.stop()


OPEN: list[http.client.HTTPConnection] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


class Client:
    """One kept connection from one address; `told` is what it claims in X-Forwarded-For, line by line."""

    def __init__(self, node: LiveNode, source: str = HERE, host: str = "ta.test") -> None:
        to = "::1" if ":" in source else HERE
        self.host = host
        self.line = http.client.HTTPConnection(to, node.port, timeout=10, source_address=(source, 0))
        OPEN.append(self.line)

    def ask(self, *told: str) -> tuple[int, str, http.client.HTTPMessage]:
        self.line.putrequest("GET", "/", skip_host=True)
        self.line.putheader("Host", self.host)
        for each in told:
            self.line.putheader("X-Forwarded-For", each)
        self.line.endheaders()
        answer = self.line.getresponse()
        return answer.status, answer.read().decode(), answer.headers

    def counted(self, times: int, *told: str) -> Counter[int]:
        return Counter(self.ask(*told)[0] for _ in range(times))

    def seen_as(self, *told: str) -> str:
        """The one address that the origin was told."""
        status, body, _ = self.ask(*told)
        assert status == 200
        (address,) = json.loads(body)
        return str(address)


def limited(tenant: Tenant, rps: int = 5, burst: int = 5, **more: object) -> Tenant:
    return replace(tenant, clients=ClientRules(rps, burst, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(("status", "again"), [(429, "1"), (403, None), (503, "1")])
def test_an_address_gets_its_rate_and_the_rest_is_answered_as_was_chosen(
    node: LiveNode, ours: Tenant, status: int, again: str | None
) -> None:
    assert node.bring(ours, limited(ours, status=status)) == ()
    began = time.monotonic()
    first = Client(node)
    got = first.counted(40)
    spent = time.monotonic() - began
    assert set(got) == {200, status}
    assert 5 <= got[200] <= 5 + 5 * spent + 1
    refused = next(answer for answer in (first.ask() for _ in range(20)) if answer[0] == status)
    assert refused[1] == "Too many requests from your address.\n"
    assert refused[2]["Retry-After"] == again
    assert Client(node, THERE).counted(5) == {200: 5}  # another address has its own
    assert Client(node, host="tb.test").counted(40) == {200: 40}  # and another tenant none
    assert node.bring(limited(ours, status=status), ours) == ()
    assert first.counted(40) == {200: 40}


def test_over_seconds_it_is_the_rate(node: LiveNode, ours: Tenant) -> None:
    node.bring(ours, limited(ours, rps=5, burst=5))
    client, began, got = Client(node), time.monotonic(), Counter[int]()
    while time.monotonic() < began + 2:
        got += client.counted(5)
    spent = time.monotonic() - began
    assert 5 * spent * 0.8 <= got[200] <= 5 + 5 * spent + 2
    assert got[429] > got[200]


def test_what_an_address_is_refused_takes_nothing_of_its_tenants(node: LiveNode, ours: Tenant) -> None:
    both = replace(limited(ours, rps=1, burst=2), rps=1, burst=6)
    node.bring(ours, both)
    assert Client(node).counted(60)[429] >= 50
    assert Client(node, THERE).counted(2) == {200: 2}


def test_allowed_networks_are_not_counted_and_their_neighbours_are(node: LiveNode, ours: Tenant) -> None:
    rules = limited(ours, allowed=("127.0.0.2/31", "2001:db8::/61"))
    assert node.bring(ours, rules) == ()
    assert Client(node, THERE).counted(40) == {200: 40}
    assert Client(node, "127.0.0.3").counted(40) == {200: 40}
    assert Client(node, "127.0.0.4").counted(40)[429] > 25
    fewer = limited(ours, allowed=("127.0.0.3/32",))
    assert node.bring(rules, fewer) == ()
    assert Client(node, THERE).counted(40)[429] > 25
    assert Client(node, "127.0.0.3").counted(40) == {200: 40}


def test_a_network_of_another_tenant_means_nothing_here(tmp_path: Path, ours: Tenant, port: int) -> None:
    """Two tenants name the same network, one to allow it and one to believe it."""
    theirs = limited(site("tb", port), allowed=("127.0.0.0/8",), proxies=("127.0.0.0/8",))
    node = LiveNode(tmp_path, limited(ours), theirs)
    try:
        assert Client(node).counted(40)[429] > 25
        assert Client(node, THERE).seen_as("192.0.2.1") == THERE
        assert Client(node, host="tb.test").seen_as("192.0.2.1") == "192.0.2.1"
    finally:
        node.stop()


CHAINS = [
    (("192.0.2.1",), "192.0.2.1"),
    (("6.6.6.6, 192.0.2.1",), "192.0.2.1"),  # what stands left of it is a claim
    (("6.6.6.6", "192.0.2.1"), "192.0.2.1"),
    (("192.0.2.1, 10.1.2.3",), "192.0.2.1"),  # 10/8 is trusted too
    (("192.0.2.1, 10.1.2.3,10.3.2.1", "127.0.0.9"), "192.0.2.1"),
    (("192.0.2.1:4711",), "192.0.2.1"),
    (("2001:db8:7::1",), "2001:db8:7::1"),
    (("2001:db8:7::1, 2001:db8:ff::5",), "2001:db8:7::1"),
    (("192.0.2.1, unknown",), HERE),  # not past what is no address
    (("192.0.2.1, unknown, 10.1.2.3",), "10.1.2.3"),
    (("unknown",), HERE),
    (("",), HERE),
    (("10.1.2.3",), "10.1.2.3"),  # nobody else was named
    (("192.0.2.1, 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4",), "10.0.0.1"),  # no further than four
    ((), HERE),
]


@pytest.mark.parametrize(("told", "client"), CHAINS)
def test_behind_a_trusted_proxy_the_client_is_the_right_most_that_is_none(
    node: LiveNode, ours: Tenant, told: tuple[str, ...], client: str
) -> None:
    node.bring(ours, replace(ours, clients=ClientRules(proxies=("127.0.0.0/8", "10.0.0.0/8", "2001:db8:ff::/48"))))
    assert Client(node).seen_as(*told) == client


def test_one_connection_of_a_proxy_carries_many_clients(node: LiveNode, ours: Tenant) -> None:
    node.bring(ours, limited(ours, rps=1, burst=3, proxies=("127.0.0.2/32",)))
    proxy = Client(node, THERE)
    assert [proxy.seen_as(f"192.0.2.{n}") for n in range(1, 9)] == [f"192.0.2.{n}" for n in range(1, 9)]
    assert proxy.seen_as() == THERE
    assert proxy.counted(20, "198.51.100.1")[429] > 10
    assert proxy.counted(3, "198.51.100.2") == {200: 3}


def test_a_forged_header_from_elsewhere_changes_nothing(node: LiveNode, ours: Tenant) -> None:
    node.bring(ours, limited(ours, allowed=("192.0.2.0/24",), proxies=("127.0.0.2/32",)))
    forger = Client(node)
    assert forger.seen_as("192.0.2.1") == HERE
    assert forger.seen_as("192.0.2.1, 127.0.0.2") == HERE
    got = Counter(forger.ask(f"198.51.100.{n}")[0] for n in range(40))
    assert got[429] > 25
    assert forger.counted(40, "192.0.2.1")[429] > 25
    assert Client(node, THERE).counted(40, "192.0.2.1") == {200: 40}


def test_an_ipv6_client_counts_by_its_64(node: LiveNode, ours: Tenant) -> None:
    node.bring(ours, limited(ours, rps=1, burst=4, proxies=("127.0.0.2/32",)))
    proxy = Client(node, THERE)
    got = Counter(proxy.ask(f"2001:db8:1:2:{n:x}::{n:x}")[0] for n in range(1, 41))
    assert got[429] > 30
    assert Counter(proxy.ask(f"2001:db8:1:{n:x}::1")[0] for n in range(0x10, 0x38)) == {200: 40}
    # Mapped addresses are IPv4's, each its own.
    assert Counter(proxy.ask(f"::ffff:192.0.2.{n}")[0] for n in range(1, 41)) == {200: 40}
    assert proxy.counted(4, "::ffff:198.51.100.7")[200] == 4
    assert 429 in proxy.counted(4, "198.51.100.7")


@pytest.mark.skipif(not has_ipv6(), reason="no ::1 here")
def test_over_ipv6_itself(node: LiveNode, ours: Tenant) -> None:
    node.bring(ours, limited(ours))
    assert Client(node, "::1").counted(40)[429] > 25
    allowed = limited(ours, allowed=("::1/128",))
    assert node.bring(limited(ours), allowed) == ()
    assert Client(node, "::1").counted(40) == {200: 40}
    trusted = replace(ours, clients=ClientRules(proxies=("::1/128",)))
    assert node.bring(allowed, trusted) == ()
    assert Client(node, "::1").seen_as("192.0.2.1") == "192.0.2.1"
    assert Client(node).seen_as("192.0.2.1") == HERE


def test_the_rules_are_there_after_a_start(node: LiveNode, ours: Tenant) -> None:
    rules = limited(ours, rps=1, burst=3, allowed=("127.0.0.3/32",), proxies=("127.0.0.2/32",))
    node.bring(ours, rules)
    node.stop()
    node.start(rules, "1\n# be_id\n")
    assert node.bring(rules, rules) == ()
    node.wait_for(lambda: Client(node, "127.0.0.9").counted(1) == {200: 1})
    assert Client(node).counted(20)[429] > 10
    assert Client(node, "127.0.0.3").counted(20) == {200: 20}
    assert Client(node, THERE).seen_as("192.0.2.1") == "192.0.2.1"


ALL = SecurityHeaders(
    Hsts.PRELOAD,
    ContentTypeOptions.NOSNIFF,
    FrameOptions.DENY,
    ReferrerPolicy.STRICT_ORIGIN_WHEN_CROSS_ORIGIN,
    PermissionsPolicy.DEVICES,
)


def test_the_chosen_headers_are_on_every_answer_and_replace_the_origins(node: LiveNode, ours: Tenant) -> None:
    dressed = replace(ours, headers=ALL)
    assert Client(node).ask()[2].get_all("X-Frame-Options") == ["SAMEORIGIN", "ALLOW-FROM https://a.test"]
    assert node.bring(ours, dressed) == ()
    said = Client(node).ask()[2]
    assert {name: said.get_all(name) for name in NAMES} == {
        "Strict-Transport-Security": None,  # not over plain HTTP
        "X-Content-Type-Options": ["nosniff"],
        "X-Frame-Options": ["DENY"],
        "Referrer-Policy": ["strict-origin-when-cross-origin"],
        "Permissions-Policy": ["camera=(),geolocation=(),microphone=()"],
    }
    assert over_tls(node)["Strict-Transport-Security"] == "max-age=63072000;includeSubDomains;preload"
    assert not {name for name in NAMES if name in Client(node, host="tb.test").ask()[2]} - {"X-Frame-Options"}
    refusing = replace(dressed, clients=ClientRules(1, 1))
    assert node.bring(dressed, refusing) == ()
    status, _, ours_too = next(answer for answer in (Client(node).ask() for _ in range(9)) if answer[0] == 429)
    assert (status, ours_too["X-Content-Type-Options"], ours_too["X-Frame-Options"]) == (429, "nosniff", "DENY")


def test_a_header_that_is_off_is_the_origins(node: LiveNode, ours: Tenant) -> None:
    only = replace(ours, headers=SecurityHeaders(content_type_options=ContentTypeOptions.NOSNIFF))
    node.bring(ours, only)
    said = Client(node).ask()[2]
    assert {name: said.get_all(name) for name in NAMES if name in said} == {
        "X-Content-Type-Options": ["nosniff"],
        "X-Frame-Options": ["SAMEORIGIN", "ALLOW-FROM https://a.test"],
    }
    node.bring(only, ours)
    assert "X-Content-Type-Options" not in Client(node).ask()[2]


def over_tls(node: LiveNode) -> http.client.HTTPMessage:
    trusting = ssl._create_unverified_context()  # noqa: S323 - the node's own certificate, on loopback
    client = http.client.HTTPSConnection(HERE, node.tls_port, timeout=10, context=trusting)
    client.request("GET", "/", headers={"Host": "ta.test"})
    answer = client.getresponse()
    answer.read()
    client.close()
    return answer.headers
