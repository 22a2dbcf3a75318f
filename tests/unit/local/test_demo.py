import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from veloflux_site.demo import traffic
from veloflux_site.demo.origins import HEAD_LIMIT, Origin, Request


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, int]]:
    server = await asyncio.start_server(Origin("north").serve, "127.0.0.1", 0, limit=HEAD_LIMIT)
    async with server:
        yield server.sockets[0].getsockname()


async def exchange(address: tuple[str, int], *requests: str) -> bytes:
    """Send the requests over one connection, and read until the other side closes it."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write("".join(requests).encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_an_origin_says_its_name_and_its_health(address: tuple[str, int]) -> None:
    answer = await exchange(address, "GET / HTTP/1.1\r\n\r\n", "GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b"Hello from north\n" in answer
    assert b"X-Origin: north" in answer
    assert answer.endswith(b"\r\n\r\nok\n")


async def test_an_origin_counts_requests_and_downloads(address: tuple[str, int]) -> None:
    slow = await exchange(address, "GET /slow?seconds=0.2 HTTP/1.1\r\nConnection: close\r\n\r\n")
    count = await exchange(address, "GET /count HTTP/1.0\r\n\r\n")
    assert len(slow.partition(b"\r\n\r\n")[2]) == 2 * 1024
    expected = {"name": "north", "requests": 2, "downloads": 1, "downloading": 0}
    assert json.loads(count.partition(b"\r\n\r\n")[2]) == expected


async def test_a_body_is_read_before_the_next_request(address: tuple[str, int]) -> None:
    answer = await exchange(
        address,
        "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /",
        "HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n",
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.endswith(b"\r\n\r\n")


async def test_what_is_no_http_is_hung_up_on(address: tuple[str, int]) -> None:
    assert await exchange(address, "hello\r\n\r\n") == b""


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\n\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
def test_a_connection_is_kept_as_its_client_asks(head: bytes, keep_alive: bool) -> None:
    assert Request.parse(head).keep_alive is keep_alive


def test_the_trickle_goes_on_when_nobody_answers() -> None:
    assert traffic.ask("127.0.0.1", 1, "/") == "refused"


def test_the_trickle_logs_what_came_of_it() -> None:
    assert traffic.summary(Counter({"200": 49, "refused": 1})) == "200=49 refused=1"
