"""What a node tells of one tenant when it is asked."""

import json
import socket
from typing import Any

from balancer.edge import inspection
from balancer.edge.inspection import Question
from balancer.haproxy.desired import Server
from tests.live.edge.nodes import FAST_CHECK, LiveNode, eventually, server, tenant
from tests.live.edge.origins import Origins

SECRET = "Set-Cookie: session=topsecret"


def look(node: LiveNode, key: str) -> dict[str, Any]:
    return inspection.look(node.node, Question("0" * 32, key))


def test_servers_checks_and_map_entries_are_told_and_no_other_tenants(node: LiveNode, origins: Origins) -> None:
    one = origins.start("one")
    node.tell(
        tenant("taaa", server("b1", one, weight=7), check=FAST_CHECK),
        tenant("tbbb", server("b1", origins.start("two"))),
    )
    eventually(lambda: look(node, "taaa")["servers"]["taaa_p1/b1"]["oper"] == "up")
    told = look(node, "taaa")
    assert list(told["servers"]) == ["taaa_p1/b1"]
    found = told["servers"]["taaa_p1/b1"]
    assert (found["address"], found["port"], found["weight"], found["admin"]) == ("127.0.0.1", one.port, 7, "ready")
    assert (found["check"], found["code"]) == ("L7OK", 200)
    assert found["raw"].split(" ")[3] == "b1"
    assert told["maps"]["maps/hosts.map"] == {"taaa.test": "taaa"}
    assert told["maps"]["maps/routes.map"] == {"taaa.test/": "taaa_p1"}
    assert "tbbb" not in json.dumps(told)
    node.node.runtime.ask_all(["del map maps/hosts.map taaa.test", "add map maps/hosts.map extra.test taaa"])
    assert look(node, "taaa")["maps"]["maps/hosts.map"] == {"extra.test": "taaa"}
    assert look(node, "tccc")["servers"] == {}


def test_a_breach_of_the_protocol_is_told_without_what_was_sent(node: LiveNode) -> None:
    with socket.create_server(("127.0.0.1", 0)) as broken:
        node.tell(tenant("taaa", server_at(broken.getsockname()[1])))
        broken.settimeout(20)
        with asked(node) as client:
            connection, _ = broken.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(f"HTTP/1.1 200 OK\r\n{SECRET}\r\nbad header\x00: x\r\n\r\n".encode())
            assert b" 502 " in client.recv(65_536).split(b"\r\n")[0] + b" "
    (error,) = look(node, "taaa")["errors"]
    assert (error["proxy"], error["side"], error["server"]) == ("taaa_p1", "response", "b1")
    assert error["position"] > 0
    assert "topsecret" not in json.dumps(look(node, "taaa"))
    assert look(node, "tbbb")["errors"] == []


def server_at(port: int) -> Server:
    return Server(key="b1", address="127.0.0.1", port=port)


def asked(node: LiveNode) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", node.port), timeout=20)
    client.sendall(b"GET / HTTP/1.1\r\nHost: taaa.test\r\nConnection: close\r\n\r\n")
    return client
