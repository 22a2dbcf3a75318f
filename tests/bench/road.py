"""Rows 1, 10 and 18: from an API request to HAProxy answering with it."""

import itertools
import time
from collections.abc import Callable, Iterator

import httpx

from tests.bench.measure import Figure, Samples, ms, timed
from tests.live.load import ask, load, serves
from tests.live.origins import Origin, origins
from tests.live.runtime import say
from tests.live.stack import NodeUnderTest, Stack, until

ROUNDS = 40
PAUSE_S = 0.3  # between two changes: what nodes report of one is written down before the next begins, as when idle
DEPLOYMENTS = 50
DRAIN = 8  # of srv_admin_state: SRV_ADMF_FDRAIN


class Site:
    """A pool, two backends and a host of the demo tenant, serving on every node."""

    def __init__(self, stack: Stack, api: httpx.Client, started: list[Origin], host: str) -> None:
        self.stack, self.api, self.host = stack, api, host
        self.pool = self.make(
            "/pools", {"name": host, "health_check": {"path": "/health", "interval": "1s", "rise": 1}}
        )["id"]
        self.backends = [self.make("/backends", {"pool": self.pool, "address": o.address})["id"] for o in started]
        self.make("/routes", {"host": host, "pool": self.pool})
        for node in stack.nodes:
            until(serves(node.http_port, host), within=30, what="the site")

    def make(self, path: str, body: dict[str, object]) -> dict[str, str]:
        answer = self.api.post(path, json=body)
        answer.raise_for_status()
        return dict(answer.json())

    def server(self, node: NodeUnderTest, backend: str) -> list[str]:
        """HAProxy's own line: fields 4, 6 and 7 are address, admin state and weight (show servers state)."""
        proxy = next(
            line.split(",")[0] for line in say(node, "show stat -1 4 -1").splitlines() if f",b{backend}" in line
        )
        return state(node, proxy, backend)


def runtime_changes(stack: Stack) -> Iterator[Figure]:
    with origins("one", "two") as started, stack.api() as api:
        site = Site(stack, api, started, "bench.test")
        first = site.backends[0]
        proxy = site.server(stack.nodes[0], first)[1]
        floor = timed(lambda: say(stack.nodes[0], f"set server {proxy}/b{first} weight 100"), times=50)
        weights = itertools.cycle(range(1, 200))

        def weigh(number: int) -> httpx.Response:
            return api.post(f"/backends/{first}/weight", json={"weight": number})

        def drain(number: int) -> httpx.Response:
            return api.post(f"/backends/{first}/{('ready', 'drain')[number % 2]}")

        def move(number: int) -> httpx.Response:
            return api.patch(f"/backends/{first}", json={"address": f"127.0.1.{number}:{started[0].port}"})

        yield row_1("weight", change_until_seen(site, first, weights, weigh, lambda line, n: line[7] == str(n)), floor)
        yield row_1("drain", change_until_seen(site, first, weights, drain, drains), floor)
        yield row_1(
            "address", change_until_seen(site, first, weights, move, lambda line, n: line[4] == f"127.0.1.{n}"), floor
        )
        yield row_1("host", hosts_until_served(site), floor)


def drains(line: list[str], number: int) -> bool:
    return bool(int(line[6]) & DRAIN) == bool(number % 2)


def change_until_seen(
    site: Site,
    backend: str,
    numbers: Iterator[int],
    change: Callable[[int], httpx.Response],
    seen: Callable[[list[str], int], bool],
) -> Samples:
    samples = Samples()
    proxy = site.server(site.stack.nodes[0], backend)[1]
    for _ in range(ROUNDS):
        number = next(numbers)
        start = time.perf_counter()
        change(number).raise_for_status()
        for node in site.stack.nodes:
            while not seen(state(node, proxy, backend), number):
                time.sleep(0.003)
                assert time.perf_counter() - start < 20
        samples.add(time.perf_counter() - start)
        time.sleep(PAUSE_S)
    return samples


def state(node: NodeUnderTest, proxy: str, backend: str) -> list[str]:
    """The newest server of the backend, as HAProxy shows it."""
    lines = say(node, f"show servers state {proxy}").splitlines()
    return [line.split() for line in lines if f" b{backend}" in line][-1]


def hosts_until_served(site: Site) -> Samples:
    samples = Samples()
    for number in range(ROUNDS):
        host = f"h{number}.{site.host}"
        start = time.perf_counter()
        site.make("/routes", {"host": host, "pool": site.pool})
        for node in site.stack.nodes:
            while ask(node.http_port, host).statuses[200] == 0:
                time.sleep(0.003)
        samples.add(time.perf_counter() - start)
        time.sleep(PAUSE_S)
    return samples


def row_1(what: str, samples: Samples, floor: Samples) -> Figure:
    p50, p99 = samples.median, samples.quantile(0.99)
    return Figure(
        "1",
        f"{what}: API → both nodes; p99 {ms(p99)}",
        str(samples),
        f"the command on the socket {ms(floor.median)}",
        p50 / floor.median,
        "p50 ≤ 60 ms, p99 ≤ 250 ms",
        p50 <= 0.06 and p99 <= 0.25,
    )


def deployments_under_load(stack: Stack) -> Iterator[Figure]:
    with origins("one", "two") as started, stack.api() as api:
        site = Site(stack, api, started, "load.test")
        ports = [node.http_port for node in stack.nodes]
        with (
            load(ports[0], site.host, clients=6) as kept,
            load(ports[1], site.host, clients=3, keep_alive=False) as closed,
        ):
            for number in range(DEPLOYMENTS):
                made = site.make("/pools", {"name": f"load {number}"})["id"]
                for node in stack.nodes:
                    until(lambda n=node, m=made: f"p{m}" in say(n, "show stat -1 2 -1"), within=30)  # type: ignore[misc]
        failed = len(kept.failures) + len(closed.failures)
        yield Figure(
            "10",
            f"{DEPLOYMENTS} deployments with a reload, under load",
            f"{failed} failed",
            f"of {kept.total} kept alive and {closed.total} closed",
            None,
            "0 failed",
            failed == 0,
        )


def sign_up(stack: Stack) -> Iterator[Figure]:
    samples = Samples()
    with origins("mine") as (mine,):
        for number in range(5):
            start = time.perf_counter()
            first_request(stack, mine, f"new{number}.test", number)
            samples.add(time.perf_counter() - start)
        floor = timed(lambda: ask(mine.port, "x"), times=20)
    yield Figure(
        "18",
        "sign-up → first proxied request",
        str(samples),
        f"a request to the origin {ms(floor.median)}",
        samples.median / floor.median,
        "≤ 5 s",
        samples.quantile(1) <= 5,
    )


def first_request(stack: Stack, origin: Origin, host: str, number: int) -> None:
    account = {
        "email": f"bench{number}.{time.time_ns()}@example.test",
        "password": "a long enough phrase",
        "tenant_name": f"Bench {number}",
    }
    answer = httpx.post(f"{stack.console}/api/auth/register", json=account, timeout=20)
    answer.raise_for_status()
    with stack.api(key=answer.json()["token"]) as api:
        pool = api.post("/pools", json={"name": "web", "health_check": {"path": "/health"}}).json()["id"]
        api.post("/backends", json={"pool": pool, "address": origin.address}).raise_for_status()
        api.post("/routes", json={"host": host, "pool": pool}).raise_for_status()
    for node in stack.nodes:
        until(serves(node.http_port, host), within=30, every=0.005)
