"""What a name leads to changes under traffic: on a real HAProxy, without a reload and without a failed request."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from balancer.haproxy import names
from balancer.haproxy.desired import Pool, Route, Server, Tenant
from balancer.haproxy.serving import PLAIN, Serving, Sticky, StickyType
from tests.live.edge.nodes import FAST_CHECK, NO_CHECK, LiveNode, eventually
from tests.live.edge.origins import Origin, Origins

COOKIE = Serving(sticky=Sticky(StickyType.COOKIE, key="c0ffee00" * 4))
PLACES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")


@pytest.fixture
def three(origins: Origins) -> list[Origin]:
    """On one port, each at an address of its own."""
    first = origins.start(PLACES[0], ip=PLACES[0])
    return [first, *(origins.start(ip, ip=ip, port=first.port) for ip in PLACES[1:])]


def state(port: int, *found: str, serving: Serving = PLAIN, before: tuple[str, ...] = (), check: bool = True) -> Tenant:
    """A tenant whose only backend goes by a name that has these addresses, and had those before."""
    server = Server("b" + "a" * 12, "", port, name="app.example.com")
    pool = Pool("p1", servers=(server,), serving=serving, health_check=FAST_CHECK if check else NO_CHECK)
    made = Tenant("taaa", (pool,), (Route("r1", "a.test", "/", "p1"),))
    places = names.settled(names.settled([], before), found)
    return names.resolved(made, {"app.example.com": places}, most=None, fits=lambda ip, port: True)


@dataclass
class Traffic:
    """Four clients with kept connections; `by` counts who answered since it was cleared."""

    by: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)


@contextmanager
def traffic(node: LiveNode) -> Iterator[Traffic]:
    seen, over = Traffic(), threading.Event()

    def ask() -> None:
        with httpx.Client(headers={"Host": "a.test"}, timeout=10) as client:
            while not over.is_set():
                try:
                    answer = client.get(f"http://127.0.0.1:{node.port}/")
                except httpx.HTTPError as error:
                    seen.failed.append(repr(error))
                    continue
                if answer.status_code == 200:
                    seen.by[answer.text] += 1
                else:
                    seen.failed.append(str(answer.status_code))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join(15)


def only(seen: Traffic, *answering: str) -> bool:
    seen.by.clear()
    eventually(lambda: seen.by.total() >= 200)
    return set(seen.by) == set(answering)


def test_traffic_follows_the_name_without_a_reload_or_a_failed_request(node: LiveNode, three: list[Origin]) -> None:
    port = three[0].port
    node.tell(state(port, PLACES[0]))
    pid = node.worker_pid
    with traffic(node) as seen:
        assert only(seen, PLACES[0])
        node.tell(state(port, PLACES[1]))
        eventually(lambda: only(seen, PLACES[1]))
        node.tell(state(port, *PLACES))
        eventually(lambda: only(seen, *PLACES))
        node.tell(state(port, PLACES[2]))
        eventually(lambda: only(seen, PLACES[2]))
    assert seen.failed == []
    assert node.worker_pid == pid
    assert not node.node.reload_due


def test_with_cookies_too(node: LiveNode, three: list[Origin]) -> None:
    port = three[0].port
    node.tell(state(port, PLACES[0], PLACES[1], serving=COOKIE, check=False))
    pid = node.worker_pid
    with httpx.Client(base_url=f"http://127.0.0.1:{node.port}", headers={"Host": "a.test"}) as one:
        was = one.get("/").text
        stays, moves = was, next(ip for ip in PLACES[:2] if ip != was)
        assert {one.get("/").text for _ in range(5)} == {was}
        node.tell(state(port, stays, PLACES[2], serving=COOKIE, before=(PLACES[0], PLACES[1]), check=False))
        assert {one.get("/").text for _ in range(5)} == {stays}, "who is where nothing changed stays there"
    with traffic(node) as seen:
        eventually(lambda: only(seen, stays, PLACES[2]))
        assert moves not in seen.by
    assert seen.failed == []
    assert node.worker_pid == pid
    assert not node.node.reload_due


def test_with_cookies_no_connection_is_kept_to_where_a_place_was(node: LiveNode, three: list[Origin]) -> None:
    """HAProxy 2.6 would use those on that were busy while the address changed, for ever (`haproxy.naming`)."""
    port = three[0].port
    node.tell(state(port, PLACES[0], serving=COOKIE, check=False))
    pid = node.worker_pid
    with traffic(node) as seen:
        assert only(seen, PLACES[0])
        node.tell(state(port, PLACES[1], serving=COOKIE, before=(PLACES[0],), check=False))
        eventually(lambda: only(seen, PLACES[1]))
    assert seen.failed == []
    assert node.worker_pid == pid


def test_with_cookies_addresses_come_and_go_without_a_reload(node: LiveNode, three: list[Origin]) -> None:
    port, before = three[0].port, PLACES[:2]
    node.tell(state(port, *before, serving=COOKIE))
    pid = node.worker_pid
    for found in ((PLACES[1],), (PLACES[1], PLACES[2]), PLACES[:2]):
        node.tell(state(port, *found, serving=COOKIE, before=before))
        with traffic(node) as seen:
            eventually(lambda found=found: only(seen, *found))  # type: ignore[misc]
        assert seen.failed == []
    assert node.worker_pid == pid
    assert not node.node.reload_due
