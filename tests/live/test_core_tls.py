"""HTTPS: the same rules as HTTP, over HTTP/1.1 and HTTP/2, and no way around them."""

import http.client
import json
import socket
import socketserver
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from balancer.haproxy.desired import CheckType, HealthCheck, Pool, Route, Server, Tenant
from tests.live.core_h2 import Fields, ask, get, pseudo, unverified
from tests.live.core_node import LiveNode, Origin, Origins

pytestmark = pytest.mark.live


class Recorder(socketserver.StreamRequestHandler):
    """An origin that keeps every byte it was sent, and answers each head that it sees."""

    said: list[bytes]

    def handle(self) -> None:
        with suppress(ConnectionError):
            while line := self.rfile.readline():
                self.said.append(line)
                if line == b"\r\n":
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.fixture
def said() -> list[bytes]:
    return []


@pytest.fixture
def node(tmp_path: Path, said: list[bytes]) -> Iterator[LiveNode]:
    """`a.test` says what it was asked; `raw.test` keeps it in `said`."""
    recorder = type("OfThisTest", (Recorder,), {"said": said})
    with (
        Origins(("127.0.0.1", 0), Origin) as echo,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), recorder) as raw,
    ):
        echo.daemon_threads = raw.daemon_threads = True
        raw.block_on_close = False
        for each in (echo, raw):
            threading.Thread(target=each.serve_forever, daemon=True).start()
        ports = (echo.server_port, raw.server_address[1])
        unchecked = HealthCheck(type=CheckType.NONE)
        pools = tuple(
            Pool(f"p{number}", servers=(Server("b1", "127.0.0.1", port),), health_check=unchecked)
            for number, port in enumerate(ports)
        )
        live = LiveNode(
            tmp_path, Tenant("ta", pools, (Route("r1", "a.test", "/", "p0"), Route("r2", "raw.test", "/", "p1")))
        )
        yield live
        live.stop()
        echo.shutdown()
        raw.shutdown()


def by_one(node: LiveNode, host: str, *, sni: str = "a.test", **headers: str) -> tuple[int, str]:
    """HTTP/1.1 over TLS."""
    plain = socket.create_connection(("127.0.0.1", node.tls_port), timeout=5)
    client = http.client.HTTPConnection("127.0.0.1")
    client.sock = unverified("http/1.1").wrap_socket(plain, server_hostname=sni)
    try:
        client.request("GET", "/", headers={"Host": host, **headers})
        answer = client.getresponse()
        return answer.status, answer.read().decode()
    finally:
        client.close()


def headers_in(body: str) -> dict[str, str]:
    seen: dict[str, str] = json.loads(body)["headers"]
    return {name.lower(): value for name, value in seen.items()}


def test_an_origin_is_told_that_the_way_was_https(node: LiveNode) -> None:
    claim = {"X-Forwarded-Proto": "http"}
    ways = {
        "http": node.get("/", "a.test", **{"X-Forwarded-Proto": "https"})[:2],
        "HTTP/1.1": by_one(node, "a.test", **claim),
        "HTTP/2": (lambda answer: (answer.status, answer.body))(
            get(node.tls_port, "a.test", more=[(name.lower(), value) for name, value in claim.items()])
        ),
    }
    assert {way: status for way, (status, _) in ways.items()} == dict.fromkeys(ways, 200)
    told = {way: headers_in(body)["x-forwarded-proto"] for way, (_, body) in ways.items()}
    assert told == {"http": "http", "HTTP/1.1": "https", "HTTP/2": "https"}


@pytest.mark.parametrize("sni", ["a.test", "other.test", "localhost"])
def test_the_host_decides_and_not_the_name_of_the_certificate(node: LiveNode, sni: str) -> None:
    assert get(node.tls_port, "A.test:8443", sni=sni).status == by_one(node, "a.test", sni=sni)[0] == 200
    nobody = (421, "No site has this name here.\n")
    answer = get(node.tls_port, "other.test", sni=sni)
    assert (answer.status, answer.body) == by_one(node, "other.test", sni=sni) == nobody


def test_nothing_older_than_tls_1_2_is_spoken(node: LiveNode) -> None:
    for version, spoken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
        context = unverified("h2")
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        with socket.create_connection(("127.0.0.1", node.tls_port), timeout=5) as plain:
            if spoken:
                context.wrap_socket(plain, server_hostname="a.test").close()
                continue
            with pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain, server_hostname="a.test")


CLAIMS = (
    "x-forwarded-for",
    "x_forwarded_for",
    "x-real-ip",
    "x-forwarded-host",
    "forwarded",
    "x-request-id",
    "x_request-id",
)


def test_what_a_client_claims_by_http_2_does_not_reach_an_origin(node: LiveNode) -> None:
    seen = headers_in(get(node.tls_port, "a.test", more=[(name, "6.6.6.6") for name in CLAIMS]).body)
    assert "6.6.6.6" not in seen.values()
    assert (seen["x-forwarded-for"], seen["x-forwarded-host"], len(seen["x-request-id"])) == ("127.0.0.1", "a.test", 36)


SMUGGLED = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: raw.test\r\n\r\n"


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ([*pseudo("raw.test"), ("x-a", "1\r\nx-real-ip: smuggled")], b""),
        ([*pseudo("raw.test"), ("x-a", "1\nx-real-ip: smuggled")], b""),
        ([*pseudo("raw.test"), ("x-a\r\nx-real-ip", "smuggled")], b""),
        ([*pseudo("raw.test"), ("x-a: 1\r\nx-real-ip", "smuggled")], b""),
        ([*pseudo("raw.test"), ("x-real-ip ", "smuggled")], b""),
        ([*pseudo("raw.test"), ("X-Real-IP", "smuggled")], b""),
        ([*pseudo("raw.test"), ("x-a", "1\0smuggled")], b""),
        ([*pseudo("raw.test"), ("connection", "x-forwarded-for, smuggled")], b""),
        ([*pseudo("raw.test"), ("upgrade", "h2c"), ("x-tag", "smuggled")], b""),
        ([*pseudo("raw.test"), ("proxy-connection", "smuggled")], b""),
        ([*pseudo("raw.test", method="POST"), ("transfer-encoding", "chunked")], SMUGGLED.encode()),
        ([*pseudo("raw.test", method="POST"), ("content-length", "0")], SMUGGLED.encode()),
        ([*pseudo("raw.test", method="POST"), ("content-length", "5"), ("content-length", "6")], SMUGGLED.encode()),
        (pseudo("raw.test", path="/ HTTP/1.1\r\nx-real-ip: smuggled\r\nx-a: /"), b""),
        (pseudo("raw.test", method="GET /smuggled HTTP/1.1\r\nx-a: "), b""),
        (pseudo("raw.test\r\nx-real-ip: smuggled"), b""),
        ([*pseudo("raw.test"), (":path", "/smuggled")], b""),
        ([*pseudo("a.test"), ("host", "raw.test"), ("x-tag", "smuggled")], b""),
        ([*pseudo("raw.test", method="CONNECT"), ("x-tag", "smuggled")], b""),
        ([(":method", "CONNECT"), (":authority", "raw.test"), ("x-tag", "smuggled")], b""),
    ],
)
def test_no_request_of_http_2_hides_another_or_a_claim(
    node: LiveNode, said: list[bytes], fields: Fields, body: bytes
) -> None:
    ask(node.tls_port, fields, body, open_for=1.0)
    assert get(node.tls_port, "raw.test", "/last").status == 200
    heads = [line for line in said if b" HTTP/1.1" in line]
    assert heads[-1] == b"GET /last HTTP/1.1\r\n"
    assert len(heads) <= 2
    assert b"smuggled" not in b"".join(said)


@pytest.mark.parametrize("protocol", ["h2c", "websocket, h2c", "connect-udp", "websocket\r\nx-a: 1"])
@pytest.mark.parametrize("body", [b"", SMUGGLED.encode()])
def test_nothing_but_a_web_socket_is_a_tunnel(node: LiveNode, said: list[bytes], protocol: str, body: bytes) -> None:
    fields = [(":protocol", protocol), *pseudo("raw.test", method="CONNECT")]
    assert ask(node.tls_port, fields, body, open_for=1.0).status in (405, 0)
    assert said == []


def test_what_follows_a_web_socket_that_was_refused_is_no_request(node: LiveNode, said: list[bytes]) -> None:
    fields = [(":protocol", "websocket"), *pseudo("raw.test", method="CONNECT")]
    ask(node.tls_port, fields, SMUGGLED.encode(), open_for=1.0)
    assert get(node.tls_port, "raw.test", "/last").status == 200
    assert b"smuggled" not in b"".join(said)


def test_a_web_socket_by_http_2_is_an_upgrade_to_an_origin(node: LiveNode, said: list[bytes]) -> None:
    """RFC 8441; the method is CONNECT, and it is still no tunnel to anywhere else."""
    ask(node.tls_port, [(":protocol", "websocket"), *pseudo("raw.test", "/live", method="CONNECT")], open_for=1.0)
    assert b"GET /live HTTP/1.1\r\n" in said
    assert {b"upgrade: websocket\r\n", b"connection: upgrade\r\n"} <= {line.lower() for line in said}
