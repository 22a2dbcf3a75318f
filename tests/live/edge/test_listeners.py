"""Listeners on a real HAProxy: bytes over ports of tenants' own, and TLS passed through by its name."""

import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from balancer.edge.certificates import make
from balancer.edge.converge import converge, reload, repair
from balancer.edge.look import look_at_all
from balancer.edge.report import Outcome, Report, TenantOutcome
from balancer.edge.stats import Reader
from balancer.haproxy.desired import Algorithm, CheckType, HealthCheck, Pool, Server, Tenant
from balancer.haproxy.listeners import Listener, ListenerKind, Mode
from balancer.haproxy.planner import drift
from balancer.haproxy.serving import ProxyProtocol, Serving, Sticky, StickyType
from tests.live.core_h2 import unverified
from tests.live.edge import servers
from tests.live.edge.lines import Line, Lines
from tests.live.edge.load import load
from tests.live.edge.nodes import NO_CHECK, LiveNode, eventually, free_port, one_node, server, tenant
from tests.live.edge.origins import Origins

TCP_CHECK = HealthCheck(type=CheckType.TCP, interval_ms=200, timeout_ms=3000, rise=1, fall=1)


@pytest.fixture(scope="module")
def lines() -> Iterator[Lines]:
    with servers.running(Lines) as lines:
        yield lines


@pytest.fixture
def alone() -> Iterator[LiveNode]:
    """One that may be killed."""
    with one_node() as live:
        yield live


@pytest.fixture
def node(shared: LiveNode) -> LiveNode:
    return shared


def pool(key: str, *origins: Line, check: HealthCheck = NO_CHECK, **more: Any) -> Pool:
    servers = tuple(Server(f"b{number}", "127.0.0.1", one.port) for number, one in enumerate(origins, 1))
    return Pool(key, servers=servers, health_check=check, mode=Mode.TCP, **more)


def tcp(port: int, led: str = "p1", **more: Any) -> Listener:
    return Listener(f"l{port}", ListenerKind.TCP, led, port=port, **more)


def named(host: str, led: str, **more: Any) -> Listener:
    return Listener(f"n{host.replace('.', '').replace('*', 'x')}", ListenerKind.TLS_PASSTHROUGH, led, host=host, **more)


def of(key: str, pools: tuple[Pool, ...], *listeners: Listener, **more: Any) -> Tenant:
    return Tenant(key, pools, listeners=listeners, **more)


@contextmanager
def opened(port: int, *, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(source, 0)) as connection:
        yield connection


def said(port: int, *, source: str = "127.0.0.1", first: bytes = b"") -> str:
    """The origin that greets, "" where the connection is closed, "refused" where nobody listens."""
    try:
        with opened(port, source=source) as connection:
            if first:
                connection.sendall(first)
            return connection.recv(100).decode().strip()
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        return ""


def outcomes(report: Report) -> dict[str, TenantOutcome]:
    return {one.tenant: one.outcome for one in report.tenants}


def test_connections_are_shared_evenly_and_bytes_come_back(node: LiveNode, lines: Lines) -> None:
    one, two = lines.start("one"), lines.start("two")
    port = free_port()
    before = node.node.master.processes().reloads
    assert outcomes(node.tell(of("taaa", (pool("p1", one, two),), tcp(port)))) == {"taaa": TenantOutcome.LIVE}
    assert node.node.master.processes().reloads == before + 1
    assert Counter(said(port) for _ in range(20)) == {"one": 10, "two": 10}
    assert (one.opened, two.opened) == (10, 10)
    with opened(port) as connection:
        connection.recv(100)
        sent = bytes(range(256)) * 400
        connection.sendall(sent)
        back = b""
        while len(back) < len(sent):
            back += connection.recv(65_536)
    assert back == sent


def test_what_changes_behind_a_port_needs_no_reload(node: LiveNode, lines: Lines) -> None:
    one, two = lines.start("one"), lines.start("two")
    port = free_port()
    pools = (pool("p1", one), pool("p2", two))
    node.tell(of("taaa", pools, tcp(port)))
    reloads = node.node.master.processes().reloads
    node.tell(of("taaa", pools, tcp(port, "p2")))
    assert said(port) == "two"
    node.tell(of("taaa", pools, tcp(port, "p2", allowed=("127.0.0.2",))))
    assert (said(port), said(port, source="127.0.0.2")) == ("", "two")
    node.tell(of("taaa", pools, tcp(port, allowed=("127.0.0.0/30",))))
    assert (said(port), said(port, source="127.0.0.4")) == ("one", "")
    state = of("taaa", pools, tcp(port))
    node.tell(state)
    assert said(port, source="127.0.0.4") == "one"
    assert node.node.master.processes().reloads == reloads
    assert drift(state, look_at_all(node.node.runtime), node.node.capabilities) == []


def test_a_port_that_is_given_up_is_closed(node: LiveNode, lines: Lines) -> None:
    one = lines.start("one")
    first, second = free_port(), free_port()
    node.tell(of("taaa", (pool("p1", one),), tcp(first), tcp(second)))
    assert (said(first), said(second)) == ("one", "one")
    node.tell(of("taaa", (pool("p1", one),), tcp(second)))
    assert (said(first), said(second)) == ("refused", "one")
    node.tell(gone=("taaa",))
    assert said(second) != "one"


def test_a_connection_limit_holds(node: LiveNode, lines: Lines) -> None:
    port = free_port()
    node.tell(of("taaa", (pool("p1", lines.start("one")),), tcp(port, max_connections=2)))
    with opened(port) as first, opened(port) as second, opened(port) as third:
        assert (first.recv(10), second.recv(10)) == (b"one\n", b"one\n")
        third.settimeout(0.3)
        with pytest.raises(TimeoutError):
            third.recv(10)
        first.close()
        third.settimeout(5)
        assert third.recv(10) == b"one\n"


def test_silence_ends_a_connection(node: LiveNode, lines: Lines) -> None:
    port = free_port()
    node.tell(of("taaa", (pool("p1", lines.start("one")),), tcp(port, idle_ms=1000)))
    with opened(port) as connection:
        assert connection.recv(10) == b"one\n"
        assert connection.recv(10) == b"", "closed by HAProxy after a second"


def test_a_proxys_header_is_asked_for_and_says_who_the_client_is(node: LiveNode, lines: Lines) -> None:
    port = free_port()
    origin = lines.start("one", greets=False)
    told = pool("p1", origin, serving=Serving(proxy_protocol=ProxyProtocol.V1))
    state = of("taaa", (told,), tcp(port, proxy_protocol=True, allowed=("127.0.0.1",)))
    assert outcomes(node.tell(state)) == {"taaa": TenantOutcome.LIVE}
    v1 = b"PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n"
    v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([203, 0, 113, 8, 198, 51, 100, 1, 0x12, 0x67, 1, 0xBB])
    for header, client in ((v1, b"203.0.113.7"), (v2, b"203.0.113.8")):
        with opened(port) as connection:
            connection.sendall(header + b"hello")
            back = b""
            while not back.endswith(b"hello"):
                back += connection.recv(1000)
        assert back.startswith(b"PROXY TCP4 " + client + b" ")
    assert said(port, first=b"hello, no header\r\n") == ""
    assert said(port, source="127.0.0.2", first=v1 + b"hello") == "", "the networks are about who sends the header"


def test_a_client_stays_by_its_address(node: LiveNode, lines: Lines) -> None:
    one, two = lines.start("one"), lines.start("two")
    port = free_port()
    node.tell(of("taaa", (pool("p1", one, two, serving=Serving(sticky=Sticky(StickyType.SOURCE))),), tcp(port)))
    seen = {source: {said(port, source=source) for _ in range(5)} for source in ("127.0.0.1", "127.0.0.2")}
    assert [len(names) for names in seen.values()] == [1, 1]
    assert set.union(*seen.values()) == {"one", "two"}


def test_a_dead_server_gets_nothing(node: LiveNode, lines: Lines) -> None:
    one = lines.start("one")
    port, nobody = free_port(), free_port()
    checked = pool("p1", one, check=TCP_CHECK)
    checked = replace(checked, servers=(*checked.servers, Server("b9", "127.0.0.1", nobody)))
    node.tell(of("taaa", (checked,), tcp(port)))
    eventually(lambda: node.servers("taaa_p1")["b9"][2] == "down")
    assert Counter(said(port) for _ in range(6)) == {"one": 6}


def test_a_suspended_tenants_ports_are_closed_and_what_is_open_ends(node: LiveNode, lines: Lines) -> None:
    port = free_port()
    pools = (pool("p1", lines.start("one"), algorithm=Algorithm.LEAST_CONN),)
    node.tell(of("taaa", pools, tcp(port), named("a.test", "p1")))
    with opened(port) as connection:
        assert connection.recv(10) == b"one\n"
        node.tell(of("taaa", pools, tcp(port), named("a.test", "p1"), suspended=True))
        assert connection.recv(10) == b""
    assert said(port) == "refused"
    node.tell(of("taaa", pools, tcp(port), named("a.test", "p1")))
    assert said(port) == "one"


def test_a_port_that_somebody_else_has_is_refused_alone(node: LiveNode, lines: Lines, origins: Origins) -> None:
    """The tenant gets all else, the others get theirs, no request is lost; and once the port is free, it is opened."""
    one, two = lines.start("one"), lines.start("two")
    web = origins.start("web")
    mine, theirs = free_port(), free_port()
    node.tell(tenant("tccc", server("b1", web)))
    pid = node.worker_pid
    with socket.create_server(("127.0.0.1", mine)), load(node.port, "tccc.test") as running:
        told = of("taaa", (pool("p1", one),), tcp(mine), tcp(free := free_port()))
        report = node.tell(told, of("tbbb", (pool("p1", two),), tcp(theirs)))
        assert outcomes(report) == {"taaa": TenantOutcome.REFUSED, "tbbb": TenantOutcome.LIVE}
        refused = next(each for each in report.tenants if each.tenant == "taaa")
        assert f"Port {mine} cannot be opened" in refused.reason
        assert "in use" in refused.words
        assert (said(theirs), said(free)) == ("two", "one")
        assert node.worker_pid != pid
        assert not node.node.reload_due, "it does not try and try"
        settled = look_at_all(node.node.runtime)
        kept = node.node.store.kept["taaa"].loaded_state
        assert kept is not None
        assert drift(kept, settled, node.node.capabilities) == []
        # What its tenant changes next comes through, and is refused for the same reason.
        report = node.tell(of("taaa", (pool("p1", two),), tcp(mine), tcp(free)))
        assert outcomes(report) == {"taaa": TenantOutcome.REFUSED}
        assert said(free) == "two"
        # Another's reload tries it again, and leaves it.
        report = node.tell(of("tddd", (pool("p1", two),), tcp(free_port())))
        assert outcomes(report)["tddd"] is TenantOutcome.LIVE
        node.fresh_worker()
        assert outcomes(converge(node.node, node.message()))["taaa"] is TenantOutcome.REFUSED, "it is remembered"
    assert running.failed == []
    report = node.tell(of("teee", (pool("p1", two),), tcp(free_port())))
    assert outcomes(report) == {"taaa": TenantOutcome.LIVE, "teee": TenantOutcome.LIVE}
    assert said(mine) == "two"


def test_a_taken_port_keeps_no_node_from_starting(alone: LiveNode, lines: Lines, origins: Origins) -> None:
    mine, web = free_port(), origins.start("web")
    alone.tell(of("taaa", (pool("p1", lines.start("one")),), tcp(mine)), tenant("tccc", server("b1", web)))
    alone.kill()
    eventually(lambda: said(mine) == "refused")
    with socket.create_server(("127.0.0.1", mine)):
        alone.start()
        alone.fresh_worker()
        assert alone.get("tccc.test") == (200, "web")
        report = converge(alone.node, alone.message(tenant("tddd", server("b1", web))))
        assert report.outcome is Outcome.RELOAD_DUE
        assert outcomes(reload(alone.node))["tddd"] is TenantOutcome.LIVE
        assert alone.get("tddd.test") == (200, "web")
    assert outcomes(repair(alone.node))["taaa"] is TenantOutcome.REFUSED
    assert outcomes(reload(alone.node))["taaa"] is TenantOutcome.LIVE, "after a restart it is tried again"
    assert said(mine) == "one"


def test_a_port_goes_from_one_tenant_to_another(node: LiveNode, lines: Lines) -> None:
    """Whatever order they are told in, it is never two's at once: whoever has it keeps it until a reload closed it."""
    one, two = lines.start("one"), lines.start("two")
    port = free_port()
    a, b = (pool("p1", one),), (pool("p1", two),)
    node.tell(of("taaa", a, tcp(port)))
    report = node.tell(of("tbbb", b, tcp(port)))
    assert outcomes(report) == {"tbbb": TenantOutcome.REFUSED}
    assert {said(port) for _ in range(4)} == {"one"}
    report = node.tell(of("taaa", a))
    assert node.node.reload_due
    assert outcomes(reload(node.node)) == {"tbbb": TenantOutcome.LIVE}
    assert not node.node.reload_due
    assert {said(port) for _ in range(4)} == {"two"}


def certificate(folder: Path, name: str) -> Path:
    path = folder / f"{name}.pem"
    path.write_text(make(name, now=datetime.now(UTC)))
    return path


def hello(port: int, name: str) -> tuple[str, str]:
    """(the common name of the certificate that is shown, who greets)."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            unverified().wrap_socket(plain, server_hostname=name) as tls,
        ):
            shown = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")
            return shown.subject.rfc4514_string(), tls.recv(100).decode().strip()
    except (ssl.SSLError, ConnectionError):
        return "", ""


def test_tls_goes_by_its_name_to_who_has_the_certificate(node: LiveNode, lines: Lines, tmp_path: Path) -> None:
    names = ("a.test", "b.test")
    one, two = (lines.start(name, pem=certificate(tmp_path, name)) for name in names)
    pools = (pool("p1", one), pool("p2", two))
    node.tell(of("taaa", pools))
    reloads = node.node.master.processes().reloads
    state = of("taaa", pools, named("a.test", "p1"), named("*.b.test", "p2"))
    assert outcomes(node.tell(state)) == {"taaa": TenantOutcome.LIVE}
    port = node.passthrough_port
    seen: Callable[[str], tuple[str, str]] = lambda name: hello(port, name)  # noqa: E731
    assert Counter(seen(name) for name in ("a.test", "A.test", "x.b.test") * 5) == {
        ("CN=a.test", "a.test"): 10, ("CN=b.test", "b.test"): 5,
    }  # fmt: skip
    assert (one.opened, two.opened) == (10, 5)
    assert [seen(name) for name in ("b.test", "x.y.b.test", "c.test")] == [("", "")] * 3
    assert said(port, first=b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n") == ""
    node.tell(of("taaa", pools, named("a.test", "p2", allowed=("127.0.0.2",))))
    assert (seen("a.test"), seen("x.b.test")) == (("", ""), ("", ""))
    node.tell(of("taaa", pools, named("a.test", "p2")))
    assert seen("a.test") == ("CN=b.test", "b.test")
    assert node.node.master.processes().reloads == reloads


class Counted:
    """What the console is told of listeners."""

    def __init__(self, node: LiveNode) -> None:
        self.seen: dict[str, dict[str, Any]] = {}
        self.reader = Reader(node.node, send=lambda body: self.seen.update(body["listeners"]), repair=print)

    def of(self, key: str) -> tuple[int, int, int, int]:
        self.reader.turn()
        told = self.seen[key]
        return told["sessions"], told["connections"], told["bytes_in"], told["bytes_out"]


def talked(port: int, sent: bytes) -> None:
    """Say so much, and hear it again."""
    with opened(port) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass


def test_connections_and_bytes_of_a_port_are_counted_over_a_reload(node: LiveNode, lines: Lines) -> None:
    port, other = free_port(), free_port()
    pools = (pool("p1", lines.start("one", greets=False)),)
    node.tell(of("taaa", pools, tcp(port), tcp(other)))
    counted = Counted(node)
    assert (counted.of(f"taaa/l{port}"), counted.of(f"taaa/l{other}")) == ((0, 0, 0, 0), (0, 0, 0, 0))
    for _ in range(3):
        talked(port, b"x" * 1000)
    eventually(lambda: counted.of(f"taaa/l{port}") == (0, 3, 3000, 3000))
    node.tell(of("tbbb", (pool("p1", lines.start("two")),), tcp(free_port())))
    talked(port, b"x" * 500)
    eventually(lambda: counted.of(f"taaa/l{port}") == (0, 4, 3500, 3500))
    assert counted.of(f"taaa/l{other}") == (0, 0, 0, 0)
    with opened(port) as connection:
        connection.sendall(b"y" * 100)
        assert connection.recv(100, socket.MSG_WAITALL) == b"y" * 100
        eventually(lambda: counted.of(f"taaa/l{port}") == (1, 5, 3600, 3600))  # while it lasts


def test_each_name_on_the_shared_port_has_its_own_count(node: LiveNode, lines: Lines) -> None:
    one, two = lines.start("one"), lines.start("two")
    ways = (named("a.test", "p1"), named("*.b.test", "p2"))
    node.tell(of("taaa", (pool("p1", one), pool("p2", two)), *ways))
    counted = Counted(node)
    keys = [f"taaa/{way.key}" for way in ways]
    assert [counted.of(key) for key in keys] == [(0, 0, 0, 0)] * 2
    for host in ("x.b.test", "x.b.test", "a.test", "nobody.test"):
        with suppress(OSError), socket.create_connection(("127.0.0.1", node.passthrough_port), timeout=5) as plain:
            unverified().wrap_socket(plain, server_hostname=host)
    eventually(lambda: [counted.of(key)[:2] for key in keys] == [(0, 1), (0, 2)])
    assert all(counted.of(key)[2] > 100 for key in keys)
