"""The one way out: where it refuses to go, and that it goes to the very address that it judged."""

import socket
import threading
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from tenants.outbound import guard, http
from tenants.outbound.guard import Unreachable, Why
from tests.live.floor.authority import Authority, authority
from tests.live.floor.talkers import talker

INSIDE = (
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.8.8.8",
    "168.63.129.16",
    "169.254.169.254",
    "172.20.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "ff02::1",
)
ODD = (
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "0x7f.1",
    "1.2.3",
    "a..b",
    "-a.test",
    "a b",
    "a/b",
    "",
    "é" * 80,
)


@pytest.fixture
def at_home(settings: Any) -> None:
    settings.OUTBOUND_ALLOWED = [ip_network("127.0.0.0/8")]


@pytest.fixture
def trusted(settings: Any, tmp_path: Path) -> Authority:
    made = authority()
    settings.EXTRA_CA_FILE = str(made.file(tmp_path))
    return made


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Stands where the system's resolver does: each question about a name takes its next answer."""
    answers: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: Any, *args: Any, **options: Any) -> Any:
        if host not in answers:
            return real(host, port, *args, **options)
        if not answers[host]:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return real(answers[host].pop(0), port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return answers


def refused(ask: Callable[[], object], why: Why) -> str:
    with pytest.raises(Unreachable) as caught:
        ask()
    assert caught.value.why is why, caught.value.sentence
    return caught.value.sentence


@pytest.mark.parametrize("ip", INSIDE)
def test_an_address_inside_is_refused_however_it_is_written(ip: str) -> None:
    assert str(ip_address(ip)) in refused(lambda: guard.resolve(ip, 443), Why.REFUSED)
    refused(lambda: guard.resolve(f"[{ip}]", 443), Why.REFUSED)


@pytest.mark.parametrize("host", ODD)
def test_what_only_a_c_library_takes_for_an_address_is_no_host(host: str) -> None:
    refused(lambda: guard.resolve(host, 443), Why.NAME)


@pytest.mark.parametrize("ip", ["8.8.8.8", "1.1.1.1", "2606:4700::1111"])
def test_an_address_of_the_internet_is_let_through(ip: str) -> None:
    assert [(one.ip, one.inside) for one in guard.resolve(ip, 443)] == [(ip, False)]


@pytest.mark.parametrize("ip", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00::5"])
def test_a_name_that_leads_inside_is_refused(names: dict[str, list[str]], ip: str) -> None:
    names["inside.test"] = [ip]
    assert "inside.test" in refused(lambda: guard.resolve("Inside.test.", 443), Why.REFUSED)


def test_a_name_that_leads_both_ways_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(2, 1, 6, "", (ip, 0)) for ip in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    refused(lambda: guard.resolve("both.test", 443), Why.REFUSED)


def test_the_platforms_own_networks_are_refused(settings: Any) -> None:
    settings.DENIED_NETWORKS = [ip_network("8.8.8.0/24")]
    assert "the platform" in refused(lambda: guard.resolve("8.8.8.8", 443), Why.REFUSED)


@pytest.mark.usefixtures("at_home")
def test_where_loopback_is_allowed_our_own_ports_are_not(settings: Any) -> None:
    settings.OWN_PORTS = frozenset({6379})
    assert guard.resolve("127.0.0.1", 6380)
    assert "6379" in refused(lambda: guard.resolve("127.0.0.1", 6379), Why.REFUSED)
    refused(lambda: guard.resolve("::ffff:127.0.0.1", 6380), Why.REFUSED)


def test_a_use_has_its_ports() -> None:
    assert guard.resolve("8.8.8.8", 587, ports=frozenset({587}))
    assert "587" in refused(lambda: guard.resolve("8.8.8.8", 22, ports=frozenset({587})), Why.REFUSED)
    refused(lambda: http.get("https://8.8.8.8:22/"), Why.REFUSED)


def test_a_name_that_is_none_says_so(names: dict[str, list[str]]) -> None:
    names["gone.test"] = []
    assert "gone.test has no address" in refused(lambda: guard.resolve("gone.test", 443), Why.NAME)


@pytest.mark.usefixtures("at_home")
def test_a_second_answer_of_the_resolver_changes_nothing(names: dict[str, list[str]]) -> None:
    """DNS rebinding: what was judged is what is connected to, and the name is asked for once."""
    with talker(address="127.0.0.2") as meant, talker(address="127.0.0.3") as inside:
        names["rebind.test"] = ["127.0.0.2", "127.0.0.3", "127.0.0.3"]
        answer = http.get(f"http://rebind.test:{meant.port}/x")
        assert (answer.status, answer.body) == (200, b"ok")
        assert len(meant.heard) == 1
        assert f"host: rebind.test:{meant.port}".encode() in meant.heard[0].lower()
        assert inside.heard == []
        assert len(names["rebind.test"]) == 2


@pytest.mark.usefixtures("at_home")
def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with talker() as elsewhere:
        moved = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\nContent-Length: 0\r\n\r\n"
        with talker(moved.encode()) as it:
            answer = http.get(f"http://127.0.0.1:{it.port}/")
        assert (answer.status, elsewhere.heard) == (302, [])


@pytest.mark.usefixtures("at_home")
def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with talker() as proxy, talker() as it:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert http.get(f"http://127.0.0.1:{it.port}/").status == 200
        assert proxy.heard == []


def drip(one: socket.socket) -> None:
    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        one.sendall(b"x")
        threading.Event().wait(0.05)


def drip_headers(one: socket.socket) -> None:
    one.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        one.sendall(b"X-A: b\r\n")
        threading.Event().wait(0.05)


def say_nothing(one: socket.socket) -> None:
    one.recv(1)


def without_end(one: socket.socket) -> None:
    one.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        one.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("talk", [drip, drip_headers, say_nothing])
def test_a_server_that_takes_its_time_is_given_up(talk: Callable[[socket.socket], None]) -> None:
    with talker(talk) as it:
        refused(lambda: http.get(f"http://127.0.0.1:{it.port}/", timeout=0.5), Why.TIMEOUT)


@pytest.mark.usefixtures("at_home")
def test_a_body_without_end_is_cut() -> None:
    with talker(without_end) as it:
        assert "1000 bytes" in refused(lambda: http.get(f"http://127.0.0.1:{it.port}/", most_bytes=1000), Why.ANSWER)


@pytest.mark.usefixtures("at_home")
def test_what_is_compressed_stays_so() -> None:
    """A few bytes that would become gigabytes stay a few bytes."""
    with talker(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08") as it:
        assert http.get(f"http://127.0.0.1:{it.port}/").body == b"\x1f\x8b\x08"


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("said", [b"SSH-2.0-x\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
def test_what_is_not_http_is_said_to_be(said: bytes) -> None:
    with talker(said) as it:
        refused(lambda: http.get(f"http://127.0.0.1:{it.port}/"), Why.ANSWER)


@pytest.mark.usefixtures("at_home")
def test_a_closed_port_is_said_to_be() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert "takes no connection" in refused(
            lambda: http.get(f"http://127.0.0.1:{free.getsockname()[1]}/"), Why.CONNECT
        )


def test_plain_http_goes_inside_only_or_where_it_is_meant(names: dict[str, list[str]]) -> None:
    assert "https" in refused(lambda: http.get("http://8.8.8.8/"), Why.REFUSED)
    refused(lambda: http.get("http://127.0.0.1/", plain=True), Why.REFUSED)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.test/",
        "file:///etc/passwd",
        "https://",
        "https://a:b@c.test/",
        "https://a.test\\@b.test/",
        "https://a.test/\r\nX: y",
        "https://a.test:99999/",
        "https://[::1/",
        "gopher://127.0.0.1:6379/_x",
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    refused(lambda: http.get(url), Why.NAME)


@pytest.mark.usefixtures("at_home")
def test_tls_is_checked_by_the_name_that_was_asked_for(
    trusted: Authority, names: dict[str, list[str]], tmp_path: Path
) -> None:
    with talker(pem=trusted.server(tmp_path, "good.test")) as it:
        names |= {"good.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]}
        answer = http.post(f"https://good.test:{it.port}/t", data={"a": "b&c"}, auth=("me", "s:t"))
        assert answer.status == 200
        assert it.names == ["good.test"]
        assert it.heard[0].endswith(b"a=b%26c")
        assert b"Authorization: Basic bWU6czp0" in it.heard[0]
        sentence = refused(lambda: http.get(f"https://other.test:{it.port}/"), Why.TLS)
        assert "other.test is not trusted" in sentence


@pytest.mark.usefixtures("at_home")
def test_a_certificate_of_nobody_we_know_is_not_trusted(names: dict[str, list[str]], tmp_path: Path) -> None:
    with talker(pem=authority().server(tmp_path, "good.test")) as it:
        names["good.test"] = ["127.0.0.1"]
        assert "not trusted" in refused(lambda: http.get(f"https://good.test:{it.port}/"), Why.TLS)


@pytest.mark.usefixtures("at_home")
def test_a_certificate_of_the_past_is_not_trusted(
    trusted: Authority, names: dict[str, list[str]], tmp_path: Path
) -> None:
    with talker(pem=trusted.server(tmp_path, "good.test", days=-1)) as it:
        names["good.test"] = ["127.0.0.1"]
        assert "expired" in refused(lambda: http.get(f"https://good.test:{it.port}/"), Why.TLS)


@pytest.mark.usefixtures("at_home")
def test_where_nobody_speaks_tls_it_is_said() -> None:
    with talker(b"220 hello\r\n") as it:
        assert "does not speak TLS" in refused(lambda: http.get(f"https://127.0.0.1:{it.port}/"), Why.TLS)
