"""Row A2: three hundred requests for each way to choose, on a real HAProxy, and who got how many of them."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import httpx
import pytest

from balancer.haproxy.desired import Algorithm
from tests.live.edge.nodes import eventually, one_node
from tests.live.edge.origins import Origin, Origins
from tests.live.edge.test_pools import Bench, with_servers

ASKED = 300
CLIENTS = [f"127.0.0.{number}" for number in range(10, 70)]


@pytest.fixture(scope="module")
def bench(origins: Origins) -> Iterator[Bench]:
    with one_node() as live:
        yield Bench(live, origins)


def asked(bench: Bench, times: int = ASKED, client: str = "127.0.0.1") -> Counter[str]:
    with httpx.Client(transport=httpx.HTTPTransport(local_address=client), timeout=10) as asker:
        url = f"http://127.0.0.1:{bench.node.port}/"
        return Counter(asker.get(url, headers={"Host": bench.host}).text for _ in range(times))


def test_a2_round_robin_gives_each_the_same(bench: Bench) -> None:
    origins = bench.three()
    bench.node.tell(bench.state(origins, algorithm=Algorithm.ROUND_ROBIN))
    assert asked(bench) == {origin.name: ASKED // 3 for origin in origins}


def test_a2_weighted_round_robin_gives_by_weight(bench: Bench) -> None:
    origins = bench.three()
    state = bench.state(origins, algorithm=Algorithm.WEIGHTED_ROUND_ROBIN)
    one, two, three = state.pools[0].servers
    bench.node.tell(with_servers(state, replace(one, weight=10), replace(two, weight=20), replace(three, weight=70)))
    assert asked(bench) == dict(zip((origin.name for origin in origins), (30, 60, 210), strict=True))


def test_a2_ip_hash_keeps_each_client_and_spreads_them(bench: Bench) -> None:
    origins = bench.three()
    state = bench.state(origins, algorithm=Algorithm.IP_HASH)
    bench.node.tell(state)
    seen = {client: asked(bench, ASKED // len(CLIENTS), client) for client in CLIENTS}
    assert {len(by) for by in seen.values()} == {1}, "a client saw two servers"
    first = {client: next(iter(by)) for client, by in seen.items()}
    spread = Counter(first.values())
    assert set(spread) == {origin.name for origin in origins}
    assert min(spread.values()) >= len(CLIENTS) // 10
    bench.node.tell(with_servers(state, *state.pools[0].servers[:2]))
    for client, name in first.items():
        if name != origins[2].name:
            assert asked(bench, 1, client) == {name: 1}, "whose server stays keeps it"


@contextmanager
def busy(bench: Bench, origins: list[Origin]) -> Iterator[Origin]:
    """One of them answers nobody yet, and has one request."""
    slow = origins[0]
    slow.delay_s = 60.0
    with ExitStack() as stack:
        for number in range(len(origins)):  # each has none, so each gets one
            line = stack.enter_context(socket.create_connection(("127.0.0.1", bench.node.port)))
            line.sendall(f"GET / HTTP/1.1\r\nHost: {bench.host}\r\n\r\n".encode())
            eventually(lambda sent=number + 1: sum(origin.requests for origin in origins) == sent)  # type: ignore[misc]
        assert slow.requests == 1
        yield slow


def test_a2_least_conn_spares_who_is_busy(bench: Bench) -> None:
    origins = bench.three()
    bench.node.tell(bench.state(origins, algorithm=Algorithm.LEAST_CONN))
    with busy(bench, origins):
        assert asked(bench) == {origin.name: ASKED // 2 for origin in origins[1:]}
