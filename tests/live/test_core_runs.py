"""What the core asks for, asked of a running HAProxy."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from balancer.haproxy.desired import AdminState, HealthCheck, Pool, Route, Server, Tenant
from balancer.haproxy.planner import plan_steps
from balancer.haproxy.server_state import carry_states, wanted
from balancer.haproxy.show import parse_stat
from tests.live.core_node import LiveNode, Origin, Origins

pytestmark = pytest.mark.live

SOCKET_KEY = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[int, int]]:
    servers = [Origins(("127.0.0.1", 0), Origin) for _ in range(2)]
    for each in servers:
        threading.Thread(target=each.serve_forever, daemon=True).start()
    yield servers[0].server_port, servers[1].server_port
    for each in servers:
        each.shutdown()
        each.server_close()


def site(origins: tuple[int, int]) -> Tenant:
    check = HealthCheck(interval_ms=200)
    first = Server("b1", "127.0.0.1", origins[0])
    second = Server("b2", "127.0.0.1", origins[1])
    pools = (Pool("p1", servers=(first,), health_check=check), Pool("p2", servers=(second,), health_check=check))
    routes = (
        Route("r1", "a.test", "/", "p1"),
        Route("r2", "a.test", "/api", "p2"),
        Route("r3", "*.a.test", "/", "p2"),
        Route("r4", "only.a.test", "/here", "p1"),
    )
    return Tenant("ta", pools, routes)


@pytest.fixture
def node(tmp_path: Path, origins: tuple[int, int]) -> Iterator[LiveNode]:
    live = LiveNode(tmp_path, site(origins))
    yield live
    live.stop()


def test_a_request_goes_where_its_host_and_path_say(node: LiveNode, origins: tuple[int, int]) -> None:
    first, second = origins
    for host, path, port in [
        ("a.test", "/", first),
        ("A.Test:80", "/x", first),
        ("a.test.", "/apis", first),
        ("a.test", "/api", second),
        ("a.test", "/api/x?y=/z", second),
        ("a.test", "/API", first),
        ("a.test", "/api%2fx", first),
        ("a.test", "/x//api", first),
        ("x.a.test", "/", second),
        ("only.a.test", "/here/x", first),
    ]:
        status, body, _ = node.get(path, host)
        assert (status, json.loads(body)["port"]) == (200, port), (host, path)


@pytest.mark.parametrize("host", ["a.test/x", "x/y.a.test", "a.test,b.test"])
def test_what_is_no_host_reaches_nobody(node: LiveNode, host: str) -> None:
    """HAProxy itself answers 400 from 3.0."""
    assert node.status("/", host) in (400, 421)


@pytest.mark.parametrize("host", ["b.test", "x.y.a.test", ".a.test", "[::1]:80"])
def test_an_unknown_host_is_misdirected(node: LiveNode, host: str) -> None:
    status, body, headers = node.get("/", host)
    assert (status, body) == (421, "No site has this name here.\n")
    assert {key.lower() for key in headers} - {"connection"} == {"content-length", "content-type"}
    assert headers["content-type"] == "text/plain"


def test_an_exact_host_hides_the_wildcard_and_no_route_is_404(node: LiveNode) -> None:
    assert node.get("/elsewhere", "only.a.test")[:2] == (404, "Nothing is routed here.\n")


def test_what_a_client_claims_about_itself_does_not_reach_an_origin(node: LiveNode) -> None:
    claims = {"X-Forwarded-For": "6.6.6.6", "X-FORWARDED-Evil": "1", "Forwarded": "for=6.6.6.6", "X-Request-Id": "mine"}
    seen = json.loads(node.get("/", "a.test", **claims)[1])["headers"]
    lower = {key.lower(): value for key, value in seen.items()}
    assert lower["x-forwarded-for"] == "127.0.0.1"
    assert lower["x-forwarded-proto"] == "http"
    assert lower["x-forwarded-host"] == "a.test"
    assert len(lower["x-request-id"]) == 36
    assert not {"x-forwarded-evil", "forwarded"} & set(lower)


def test_no_other_spelling_of_a_claim_reaches_an_origin(node: LiveNode) -> None:
    """CGI and WSGI read an underscore as a hyphen."""
    claims = dict.fromkeys(("X_Forwarded_For", "X-Forwarded_For", "X_Real_IP", "X_Request-Id"), "6.6.6.6")
    seen = headers_seen(node, **claims, X_Other="stays")
    assert not {name.lower() for name in claims} & set(seen)
    assert seen["x_other"] == "stays"


def test_a_client_cannot_have_our_headers_dropped_behind_us(node: LiveNode) -> None:
    """A proxy that is an origin drops what Connection lists."""
    assert "x-forwarded-for" not in headers_seen(node, Connection="X-Forwarded-For").get("connection", "").lower()
    upgraded = headers_seen(node, Connection="Upgrade, X-Forwarded-For", Upgrade="websocket", **SOCKET_KEY)
    assert (upgraded["connection"].lower(), upgraded["upgrade"]) == ("upgrade", "websocket")


@pytest.mark.parametrize("to", ["h2c", "H2C", "websocket, h2c", "h2c,x"])
def test_no_origin_is_asked_for_a_tunnel_past_us(node: LiveNode, to: str) -> None:
    """From 3.0 HAProxy takes h2c itself, and leaves what else was asked for."""
    seen = headers_seen(node, Connection="Upgrade, HTTP2-Settings", Upgrade=to, **SOCKET_KEY)
    assert "h2" not in seen.get("upgrade", "").lower()
    assert seen.get("connection", "upgrade").lower() == "upgrade"
    assert ("connection" in seen) == ("upgrade" in seen)


def headers_seen(node: LiveNode, **sent: str) -> dict[str, str]:
    """By the origin, names in lower case; `urllib` would send a Connection of its own."""
    client = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    client.request("GET", "/", headers={"Host": "a.test", **sent})
    seen: dict[str, str] = json.loads(client.getresponse().read())["headers"]
    client.close()
    return {name.lower(): value for name, value in seen.items()}


def test_suspension_and_limits_need_no_reload(node: LiveNode, origins: tuple[int, int]) -> None:
    state = site(origins)
    assert node.bring(state, replace(state, suspended=True)) == ()
    assert node.get("/", "a.test")[:2] == (503, "This site is suspended.\n")
    assert node.bring(state, replace(state, rps=5)) == ()
    answers = [node.get("/", "a.test") for _ in range(12)]
    # A second may pass meanwhile on a busy machine: what counts is that some are let through, and some are not.
    assert {status for status, _, _ in answers} == {200, 429}
    refused = next(headers for status, _, headers in answers if status == 429)
    assert refused["retry-after"] == "1"
    assert node.bring(state, state) == ()
    assert [node.status("/", "a.test") for _ in range(12)] == [200] * 12


def test_every_runtime_change_is_what_the_next_look_shows(node: LiveNode, origins: tuple[int, int]) -> None:
    old = site(origins)
    first, second = old.pools
    moved = replace(first.servers[0], address="127.0.0.2", port=1, weight=7, max_connections=5, check_port=origins[0])
    extra = Server("b3", "127.0.0.1", origins[1], backup=True, max_connections=3)
    paused = Server("b4", "127.0.0.1", origins[1], admin=AdminState.DRAIN)
    parked = Server("b5", "127.0.0.1", origins[1], admin=AdminState.MAINT)
    unlimited = replace(moved, max_connections=None, check_port=None, admin=AdminState.DRAIN)
    steps = [
        replace(old, pools=(replace(first, servers=(moved, extra, paused, parked)), second), rps=3),
        replace(old, pools=(replace(first, servers=(unlimited,)), second), routes=old.routes[:1]),
        replace(old, pools=(replace(first, servers=()),), routes=()),
        old,
    ]
    for state in steps[:-1]:
        assert node.bring(old, state) == ()
        old = state
    assert node.bring(old, steps[-1]) == ("pool p2 is new",)
    node.wait_for(lambda: node.status("/", "a.test") == 200)
    assert node.bring(old, None) == ()
    assert node.status("/", "a.test") == 421


def test_a_dead_new_server_gets_no_request(node: LiveNode, origins: tuple[int, int]) -> None:
    old = site(origins)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        dead = Server("b9", "127.0.0.1", nobody.getsockname()[1])
    both = replace(old.pools[0], servers=(*old.pools[0].servers, dead))
    assert node.bring(old, replace(old, pools=(both, old.pools[1]))) == ()
    assert [node.status("/", "a.test") for _ in range(40)] == [200] * 40
    row = next(row for row in parse_stat(node.ask("show stat ta_p1 4 -1")) if row["svname"] == "b9")
    assert (row["stot"], row["econ"]) == ("0", "0")


def test_a_restart_keeps_what_was_decided_and_what_was_found(node: LiveNode, origins: tuple[int, int]) -> None:
    old = site(origins)
    drained = replace(old.pools[0].servers[0], admin=AdminState.DRAIN, weight=7)
    parked = Server("b6", "127.0.0.1", origins[1], admin=AdminState.MAINT)
    new = replace(old, pools=(replace(old.pools[0], servers=(drained, parked)), old.pools[1]))
    node.bring(old, new)
    shown = node.ask("show servers state")
    node.stop()
    node.start(new, carry_states(shown, wanted([new])))
    # Nothing is left for commands to do: the state file has said it all.
    assert plan_steps(new, new, node.look(), node.version()).commands == ()


def test_a_new_server_is_asked_as_its_pool_asks(node: LiveNode, origins: tuple[int, int]) -> None:
    """Servers added at run time take the pool's HTTP check, not a bare connection (2.6.12)."""
    node.stop()
    strict = HealthCheck(interval_ms=100, expected_status="404")
    pool = Pool("p1", servers=(Server("b1", "127.0.0.1", origins[0], admin=AdminState.MAINT),), health_check=strict)
    old = Tenant("ta", (pool,))
    node.start(old, "1\n# be_id\n")
    new = replace(pool, servers=(*pool.servers, Server("b2", "127.0.0.1", origins[1])))
    assert node.bring(old, replace(old, pools=(new,))) == ()
    node.wait_for(lambda: parse_stat(node.ask("show stat ta_p1 4 -1"))[1]["check_status"] == "L7STS")
