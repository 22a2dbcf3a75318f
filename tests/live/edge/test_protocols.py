"""What else goes through: HTTP/2 from clients, WebSockets over reloads, and gRPC from end to end."""

import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from balancer.haproxy.desired import Pool, Route, Server, Tenant
from balancer.haproxy.serving import Serving
from tests.live.core_h2 import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PREFACE,
    SETTINGS,
    _field,
    frame,
    get,
    pseudo,
    unverified,
)
from tests.live.edge.nodes import NO_CHECK, LiveNode, eventually, server, tenant
from tests.live.edge.origins import Origins
from tests.live.edge.reached import Reached, reached

SECONDS = 2  # idle tunnels, and connections of before a reload


@pytest.fixture(scope="module")
def node() -> Iterator[LiveNode]:
    with tempfile.TemporaryDirectory(prefix="vf-") as folder:
        live = LiveNode(Path(folder) / "n1")
        live.environ["VELOFLUX_NODE_TUNNEL_SECONDS"] = str(SECONDS)
        live.environ["VELOFLUX_NODE_HARD_STOP_SECONDS"] = str(SECONDS * 3)
        live.fresh_worker()
        live.start()
        yield live
        live.kill()


def test_http2_requests_are_shared_one_by_one(node: LiveNode, origins: Origins) -> None:
    one, two = origins.start("one"), origins.start("two")
    node.tell(tenant("taaa", server("b1", one), server("b2", two)))
    seen = Counter(get(node.tls_port, "taaa.test").body for _ in range(20))
    assert seen == {"one": 10, "two": 10}
    assert (one.requests, two.requests) == (10, 10)


@contextmanager
def echoing() -> Iterator[int]:
    """A server of WebSockets that says back what it hears; its port."""

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", 0, ping_interval=None) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running.socket.getsockname()[1]
        running.shutdown()
        thread.join(5)


def opened(node: LiveNode, host: str) -> ClientConnection:
    sock = socket.create_connection(("127.0.0.1", node.port), timeout=5)
    return connect(f"ws://{host}:{node.port}/", sock=sock, ping_interval=None)


def sockets(port: int) -> Tenant:
    return tenant("twww", Server("b1", "127.0.0.1", port))


def test_a_websocket_outlives_a_reload_until_the_hard_stop(node: LiveNode, origins: Origins) -> None:
    origin = origins.start("one")
    with echoing() as port:
        node.tell(sockets(port))
        with opened(node, "twww.test") as kept:
            kept.send("before")
            assert kept.recv(5) == "before"
            pid = node.worker_pid
            node.tell(tenant("tnew", server("b1", origin)))
            assert node.worker_pid != pid
            for number in range(3):
                kept.send(f"after {number}")
                assert kept.recv(5) == f"after {number}"
            assert ended(kept, talking=True), "the worker of before was stopped for good"
        with opened(node, "twww.test") as anew:
            anew.send("anew")
            assert anew.recv(5) == "anew"


def test_a_silent_websocket_is_closed_and_a_busy_one_is_not(node: LiveNode) -> None:
    with echoing() as port:
        node.tell(sockets(port))
        with opened(node, "twww.test") as busy, opened(node, "twww.test") as silent:
            began = time.monotonic()
            while time.monotonic() - began < SECONDS * 1.5:
                busy.send("still here")
                assert busy.recv(5) == "still here"
            assert ended(silent)
            busy.send("and here")
            assert busy.recv(5) == "and here"


def ended(connection: ClientConnection, *, talking: bool = False) -> bool:
    """Is it closed from there, sooner or later?"""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if talking:
                connection.send("x")
            connection.recv(0.1)
        except TimeoutError:
            continue
        except (ConnectionClosed, EOFError):
            return True
    return False


TRAILERS = (("grpc-status", "0"), ("grpc-message", "said"))


def grpc(origin: Reached, connection: socket.socket) -> None:
    """Says back each message as it comes; the status follows in trailers."""
    started: set[int] = set()
    with connection.makefile("rb") as stream:
        if stream.read(len(PREFACE)) != PREFACE:
            return
        connection.sendall(frame(SETTINGS, 0, 0, b""))
        while len(head := stream.read(9)) == 9:
            payload = stream.read(int.from_bytes(head[:3], "big"))
            kind, flags, number = head[3], head[4], int.from_bytes(head[5:], "big")
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0, b""))
            if kind == HEADERS:
                origin.requests += 1
                started.add(number)
                fields = _field(("content-type", "application/grpc"))
                connection.sendall(frame(HEADERS, END_HEADERS, number, b"\x88" + fields))
            if kind == DATA and payload:
                connection.sendall(frame(DATA, 0, number, payload))
            if kind in (HEADERS, DATA) and flags & END_STREAM and number in started:
                trailers = b"".join(map(_field, TRAILERS))
                connection.sendall(frame(HEADERS, END_HEADERS | END_STREAM, number, trailers))


class Call:
    """One call of a gRPC client's, on a connection of its own: messages are sent and read one by one."""

    def __init__(self, node: LiveNode, host: str) -> None:
        plain = socket.create_connection(("127.0.0.1", node.tls_port), timeout=5)
        self.tls = unverified("h2").wrap_socket(plain, server_hostname=host)
        self.stream = self.tls.makefile("rb")
        fields = [*pseudo(host, "/echo.Echo/Say", "POST"), ("content-type", "application/grpc"), ("te", "trailers")]
        self.tls.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
        self.tls.sendall(frame(HEADERS, END_HEADERS, 1, b"".join(map(_field, fields))))

    def say(self, message: bytes, *, last: bool = False) -> None:
        told = b"\0" + len(message).to_bytes(4, "big") + message
        self.tls.sendall(frame(DATA, END_STREAM if last else 0, 1, told))

    def heard(self, size: int) -> bytes:
        """That many bytes of messages."""
        found = b""
        while len(found) < size:
            kind, _, payload = self._next()
            assert kind in (HEADERS, DATA), kind
            found += payload if kind == DATA else b""
        return found

    def trailers(self) -> bytes:
        while True:
            kind, flags, payload = self._next()
            if kind == HEADERS and flags & END_STREAM:
                self.stream.close()
                self.tls.close()
                return payload

    def _next(self) -> tuple[int, int, bytes]:
        while True:
            head = self.stream.read(9)
            assert len(head) == 9, "the connection ended"
            payload = self.stream.read(int.from_bytes(head[:3], "big"))
            if head[3] == SETTINGS and not head[4] & ACK:
                self.tls.sendall(frame(SETTINGS, ACK, 0, b""))
            if int.from_bytes(head[5:], "big") == 1 and head[3] in (HEADERS, DATA):
                return head[3], head[4], payload


def calls(origin: Reached, **more: Any) -> Tenant:
    servers = (Server("b1", "127.0.0.1", origin.port),)
    pool = Pool("p1", servers=servers, health_check=NO_CHECK, serving=replace(Serving(), h2=True))
    return Tenant("tgrp", (pool,), (Route("r1", "tgrp.test", "/", "p1"),), **more)


def test_grpc_goes_through_with_its_trailers(node: LiveNode) -> None:
    with reached(grpc) as origin:
        node.tell(calls(origin))
        for number in range(10):
            call = Call(node, "tgrp.test")
            message = f"message {number}".encode()
            call.say(message, last=True)
            assert call.heard(5 + len(message))[5:] == message
            trailers = call.trailers()
            assert b"grpc-status\x010" in trailers
            assert b"grpc-message\x04said" in trailers
        assert origin.requests == 10


def test_a_stream_of_messages_goes_both_ways_at_once(node: LiveNode) -> None:
    """Nothing waits for the end of the request: each message is answered before the next is sent."""
    with reached(grpc) as origin:
        node.tell(calls(origin))
        call = Call(node, "tgrp.test")
        for message in (b"one", b"two", b"three" * 1000):
            call.say(message)
            assert call.heard(5 + len(message))[5:] == message
        call.say(b"", last=True)
        assert b"grpc-status\x010" in call.trailers()
        assert origin.requests == 1
        eventually(lambda: bool(node.worker_pid))
