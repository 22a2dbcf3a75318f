"""Requests a second by the plan: a burst, then the rate, for this tenant alone."""

import http.client
import threading
import time
from dataclasses import dataclass, field, replace

from balancer.haproxy.desired import Tenant
from balancer.haproxy.show import parse_map
from tests.live.edge.nodes import LiveNode, server, tenant
from tests.live.edge.origins import Origins

RPS, BURST = 10, 20  # the plan free
Answer = tuple[float, int]  # seconds from the start, status


@dataclass
class Client:
    """Asks so many times a second over one connection, and keeps when it was answered what."""

    port: int
    host: str
    rate: float
    answers: list[Answer] = field(default_factory=list)

    def ask(self, seconds: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        start, asked = time.monotonic(), 0
        while (now := time.monotonic() - start) < seconds:
            connection.request("GET", "/", headers={"Host": self.host})
            answer = connection.getresponse()
            answer.read()
            self.answers.append((now, answer.status))
            asked += 1
            time.sleep(max(0.0, asked / self.rate - (time.monotonic() - start)))
        connection.close()

    def passed(self, since: float, until: float) -> int:
        return sum(1 for at, status in self.answers if since <= at < until and status == 200)


def limited(key: str, origins: Origins, *, rps: int = RPS, burst: int = BURST) -> Tenant:
    return replace(tenant(key, server("b1", origins.start(key))), rps=rps, burst=burst)


def together(seconds: float, *clients: Client) -> None:
    threads = [threading.Thread(target=client.ask, args=(seconds,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_burst_then_the_rate_and_nobody_else_is_touched(node: LiveNode, origins: Origins) -> None:
    node.tell(limited("taaa", origins), limited("tbbb", origins))
    greedy = Client(node.port, "taaa.test", rate=100)
    modest = Client(node.port, "tbbb.test", rate=RPS / 2)
    together(6, greedy, modest)
    assert len(greedy.answers) > 200
    assert {status for _, status in greedy.answers} == {200, 429}
    # What a bucket lets through in six seconds: the burst, and ten for each second. Nothing is early or late.
    whole = greedy.passed(0, 6)
    assert BURST + 5 * RPS <= whole <= BURST + 6 * RPS + 2, whole
    assert all(status == 200 for _, status in greedy.answers[:BURST])
    each_second = [greedy.passed(second, second + 1) for second in range(1, 6)]
    assert all(RPS - 4 <= passed <= RPS + 4 for passed in each_second), each_second
    assert {status for _, status in modest.answers} == {200}
    assert len(modest.answers) >= 25


def test_who_was_quiet_may_burst_again(node: LiveNode, origins: Origins) -> None:
    node.tell(limited("taaa", origins))
    client = Client(node.port, "taaa.test", rate=1000)
    client.ask(0.5)
    assert BURST <= client.passed(0, 1) <= BURST + 6
    time.sleep(1)  # half of the bucket
    again = Client(node.port, "taaa.test", rate=1000)
    again.ask(0.1)
    assert RPS <= again.passed(0, 1) <= RPS + 4


def test_another_plan_is_a_map_entry_and_holds_at_once(node: LiveNode, origins: Origins) -> None:
    state = limited("taaa", origins)
    node.tell(state)
    pid = node.worker_pid
    Client(node.port, "taaa.test", rate=1000).ask(0.3)
    node.tell(replace(state, rps=100, burst=200))
    assert parse_map(node.node.runtime.ask("show map maps/limits.map")) == {"taaa": "100/200"}
    richer = Client(node.port, "taaa.test", rate=500)
    richer.ask(0.5)
    assert richer.passed(0, 1) > 2 * BURST  # the old rate: five
    node.tell(replace(state, rps=0, burst=0))
    free = Client(node.port, "taaa.test", rate=1000)
    free.ask(0.5)
    assert {status for _, status in free.answers} == {200}
    assert node.worker_pid == pid


def test_without_a_burst_a_second_s_worth_may_come_at_once(node: LiveNode, origins: Origins) -> None:
    """As a state from before there were bursts has it."""
    node.tell(limited("taaa", origins, burst=0))
    client = Client(node.port, "taaa.test", rate=1000)
    client.ask(0.3)
    assert RPS <= client.passed(0, 1) <= RPS + 4
