"""The access log: one id from the edge to the line, and traffic that does not care who reads it."""

import http.client
import json
import socket
import threading
from typing import Any

import pytest

from balancer.edge import lines
from balancer.edge.listener import Listener, bound
from balancer.haproxy.access_log import LINE_MAX, PER_SECOND, AccessLine, parse
from balancer.haproxy.desired import Server
from tests.live.core_node import Origin as Echo
from tests.live.core_node import Origins as Echoes
from tests.live.edge.load import load
from tests.live.edge.nodes import LiveNode, eventually, server, tenant
from tests.live.edge.origins import Origins

HOSTILE = '/a"},{"tenant":"tbbb%0a\\?token=secret'


def lines_of(heard: socket.socket, count: int) -> list[AccessLine]:
    found = []
    for _ in range(count):
        read = parse(heard.recv(LINE_MAX + 1))
        assert read is not None
        found.append(read)
    return found


def reader(node: LiveNode) -> socket.socket:
    made = bound(node.node.environment.log_socket)
    made.settimeout(5)
    return made


def test_the_origins_request_id_is_the_lines(node: LiveNode) -> None:
    echo = Echoes(("127.0.0.1", 0), Echo)
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    node.tell(tenant("taaa", Server("b1", "127.0.0.1", echo.server_port)))
    with reader(node) as heard:
        status, body = node.get("taaa.test", "/some/path?token=secret")
        line = lines_of(heard, 1)[0]
    echo.shutdown()
    echo.server_close()
    assert status == 200
    seen = {name.lower(): value for name, value in json.loads(body)["headers"].items()}
    assert line.id == seen["x-request-id"]
    assert (line.tenant, line.status, line.method, line.host) == ("taaa", 200, "GET", "taaa.test")
    assert line.path == "/some/path"
    assert (line.proxy, line.server, line.source, line.tls) == ("taaa_p1", "b1", "127.0.0.1", False)
    assert line.bytes > 0
    assert 0 <= line.response_ms <= line.total_ms


def test_what_a_client_sends_stays_inside_its_field(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one"))))
    with reader(node) as heard, socket.create_connection(("127.0.0.1", node.port)) as client:
        path = HOSTILE.encode("latin-1")
        client.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: taaa.test\r\nX-Request-Id: mine\r\n\r\n")
        client.recv(4096)
        client.sendall(b"GET /" + b'"' * 3000 + b" HTTP/1.1\r\nHost: taaa.test\r\n\r\n")
        client.recv(4096)
        raw = heard.recv(LINE_MAX + 1)
        line = parse(raw)
        assert line is not None
        assert (line.tenant, line.status, line.path) == ("taaa", 200, '/a"},{"tenant":"tbbb%0a\\')
        assert line.id != "mine"
        assert b"secret" not in raw
        assert b"\n" not in raw.rstrip(b"\n")
        assert lines_of(heard, 1)[0].path == "/" + '"' * 254


def test_each_refusal_of_ours_is_a_line_and_a_strangers_is_not(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one")), host="taaa.test"))
    with reader(node) as heard:
        assert node.get("nobody.test")[0] == 421
        assert node.get("taaa.test")[0] == 200
        assert [line.host for line in lines_of(heard, 1)] == ["taaa.test"]
        heard.settimeout(0.3)
        assert not written(heard)


def test_a_tenants_lines_are_bounded_and_counted_by_haproxy(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "PER_SECOND", 10_000)  # the edge bounds them too, and would hide whether HAProxy does
    node.tell(tenant("taaa", server("b1", origins.start("one"))), tenant("tbbb", server("b1", origins.start("two"))))
    bodies: list[dict[str, Any]] = []
    listener = Listener(node.node.environment.log_socket, "n1", send=bodies.append)
    listener.start()
    eventually(node.node.environment.log_socket.exists)
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=5)
    for _ in range(PER_SECOND * 3):
        connection.request("GET", "/", headers={"Host": "taaa.test"})
        connection.getresponse().read()
    node.get("tbbb.test")
    eventually(lambda: any("tbbb" in body["lines"] for body in bodies))
    assert 0 < sum(len(body["lines"].get("taaa", ())) for body in bodies) < PER_SECOND * 2.5
    # The count comes with the next line that is written.
    eventually(lambda: node.get("taaa.test")[0] == 200 and sum(b["left_out"].get("taaa", 0) for b in bodies) > 0)
    connection.close()
    listener.stop()
    json.dumps(bodies)


def test_traffic_goes_on_when_nobody_reads_and_when_nobody_is_there(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one"))))
    with reader(node), load(node.port, "taaa.test") as away:  # bound, and never read: the queue is full at once
        eventually(lambda: sum(away.answers.values()) > 300)
    assert away.failed == []
    with load(node.port, "taaa.test") as dead:  # the path is there, and nobody behind it
        eventually(lambda: sum(dead.answers.values()) > 300)
    node.node.environment.log_socket.unlink()
    with load(node.port, "taaa.test") as gone:
        eventually(lambda: sum(gone.answers.values()) > 300)
    assert dead.failed + gone.failed == []
    with reader(node) as heard:  # a worker that comes back is written to again
        heard.settimeout(0.2)
        eventually(lambda: node.get("taaa.test")[0] == 200 and written(heard))  # once its rate of lines is low again


def written(heard: socket.socket) -> bool:
    try:
        return bool(heard.recv(LINE_MAX))
    except TimeoutError:
        return False
