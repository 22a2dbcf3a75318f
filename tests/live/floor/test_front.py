"""In front of Django, on a real uvicorn: forged addresses, bodies without end, headers on what Django never sees."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import uvicorn

from tests.live.stack import free_port
from veloflux_site.front import behind_proxies, front

MOST = 10_000


async def mirror(scope: Any, receive: Any, send: Any) -> None:
    """Says what it was told; reads the whole body first, as Django does."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    body = json.dumps({"client": scope["client"][0], "scheme": scope["scheme"], "size": size, "headers": headers})
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body.encode()})


@pytest.fixture
def port(settings: Any) -> Iterator[int]:
    settings.MAX_BODY_BYTES, settings.BODY_SECONDS = MOST, 1
    server = uvicorn.Server(
        uvicorn.Config(front(mirror), port=free_port(), log_level="error", lifespan="off", proxy_headers=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.config.port
    server.should_exit = True
    thread.join(10)


def talk(port: int, *parts: bytes, pause: float = 0.0) -> tuple[int, dict[str, str], bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        for part in parts:
            try:
                one.sendall(part)
            except OSError:
                break
            time.sleep(pause)
        whole = b""
        try:
            while part := one.recv(65536):
                whole += part
        except OSError:
            pass
    head, _, body = whole.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}, body


def ask(port: int, *headers: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    lines = ["POST / HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}", *headers, "", ""]
    return talk(port, "\r\n".join(lines).encode() + body)


def test_f11_a_forged_address_is_not_believed(port: int) -> None:
    _, _, body = ask(port, "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "Forwarded: for=203.0.113.9")
    found = json.loads(body)
    assert (found["client"], found["scheme"]) == ("127.0.0.1", "http")
    assert not [name for name in found["headers"] if "forwarded" in name]


def test_f11_behind_our_proxies_it_is_the_right_most_that_is_none_of_them(port: int, settings: Any) -> None:
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8")]
    forwarded = "X-Forwarded-For: 1.1.1.1, 203.0.113.9, 10.0.0.7"
    found = json.loads(ask(port, forwarded, "X-Forwarded-Proto: https")[2])
    assert (found["client"], found["scheme"]) == ("203.0.113.9", "https")


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, garbage", "10.9.9.9"),
        ("6.6.6.6, , 10.1.1.1", "10.1.1.1"),
        ("", "10.9.9.9"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_f11_who_asks_behind_proxies(settings: Any, forwarded: str, client: str, kind: str) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    headers = [(b"X-Forwarded-For", forwarded.encode()), (b"x-forwarded-proto", b"https"), (b"host", b"x")]
    scope = {"type": kind, "scheme": "http", "client": ("10.9.9.9", 1), "headers": headers}
    found = behind_proxies(scope)
    assert (found["client"][0], found["headers"]) == (client, [(b"host", b"x")])
    assert found["scheme"] == ("https" if kind == "http" else "wss")
    assert behind_proxies({**scope, "client": ("203.0.113.1", 1)})["client"][0] == "203.0.113.1"
    assert behind_proxies({**scope, "client": None})["client"] is None


def test_f11_several_headers_are_read_as_one(settings: Any) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    headers = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"203.0.113.9")]
    scope: dict[str, Any] = {"type": "http", "scheme": "http", "client": ("10.9.9.9", 1), "headers": headers}
    assert behind_proxies(scope)["client"][0] == "203.0.113.9"


def refused(answer: tuple[int, dict[str, str], bytes], status: int) -> None:
    assert answer[0] == status
    assert answer[1]["content-type"] == "application/problem+json"
    assert answer[1]["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer[1]["content-security-policy"]
    assert json.loads(answer[2])["status"] == status


def test_g11_a_body_that_says_it_is_too_large_is_refused_unread(port: int) -> None:
    began = time.monotonic()
    refused(talk(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10001\r\n\r\n"), 413)
    assert time.monotonic() - began < 5


def test_g11_a_body_that_does_not_say_is_refused_when_it_is(port: int) -> None:
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    refused(talk(port, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 8), 413)


def test_g11_a_body_that_never_comes_is_given_up(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    refused(talk(port, head, *[b"x"] * 30, pause=0.1), 408)


def test_g11_what_is_just_small_enough_arrives(port: int) -> None:
    status, _, body = ask(port, body=b"x" * MOST)
    assert (status, json.loads(body)["size"]) == (200, MOST)


def test_g11_a_long_answer_is_not_bounded(settings: Any) -> None:
    """Only the body has a deadline: whoever waits for the client's going may wait."""
    settings.MAX_BODY_BYTES, settings.BODY_SECONDS = MOST, 0.2
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.append((await receive())["type"])
        heard.append((await receive())["type"])

    async def run() -> None:
        told = asyncio.Queue[dict[str, Any]]()
        told.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        asyncio.get_running_loop().call_later(0.5, told.put_nowait, {"type": "http.disconnect"})
        scope: dict[str, Any] = {"type": "http", "headers": [], "client": None, "scheme": "http"}
        await front(app)(scope, told.get, lambda message: asyncio.sleep(0))

    asyncio.run(run())
    assert heard == ["http.request", "http.disconnect"]
