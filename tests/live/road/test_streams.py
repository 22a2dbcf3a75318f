"""What happens on real nodes, as it reaches a socket."""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.live.road.conftest import Site
from tests.live.stack import Program, Stack, free_port, until

pytestmark = pytest.mark.live
Make = Callable[..., Site]
SECTIONS = {"backends": "backends", "status": "parts", "metrics": "pools"}
GAUGE = re.compile(r"veloflux_node_requests\{[^}]*\} (\S+)")
WITHIN = 60.0


@contextmanager
def opened(stack: Stack, stream: str) -> Iterator["Heard"]:
    address = f"ws://127.0.0.1:{stack.console_port}/ws/{stream}"
    with connect(address, subprotocols=["veloflux", f"bearer.{stack.bootstrap['api_key']}"]) as socket:  # type: ignore[list-item]
        yield Heard(socket, SECTIONS[stream])


class Heard:
    """What a client knows of a section after every frame so far."""

    def __init__(self, socket: ClientConnection, section: str) -> None:
        self._socket, self._section = socket, section
        self.items: dict[str, Any] = {}
        self.kind = ""

    def settled(self, pool: str) -> None:
        """Until nothing was asked of it for the length of a window."""
        self.until(lambda items: pool in items and items[pool]["requests_per_second"] == 0)

    def until(self, is_so: Callable[[dict[str, Any]], bool]) -> None:
        deadline = time.monotonic() + WITHIN
        while not is_so(self.items):
            said = json.loads(self._socket.recv(timeout=max(0.0, deadline - time.monotonic())))
            self.kind = said["type"]
            self.items |= said["data"].get(self._section, {})


def test_e1_a_backend_that_stops_is_in_a_frame(stack: Stack, make_site: Make) -> None:
    site = make_site(2)
    stopped, well = (site.backend(origin)["id"] for origin in site.origins)
    with opened(stack, "backends") as heard:
        heard.until(lambda items: {items.get(one, {}).get("oper") for one in (stopped, well)} == {"up"})
        site.origins[0].stop()
        heard.until(lambda items: {node["oper"] for node in items[stopped]["nodes"]} == {"down"})
        assert (heard.kind, heard.items[stopped]["oper"]) == ("delta", "down")
        assert heard.items[stopped]["last_check"]["code"] == "L4CON"
        assert heard.items[well]["oper"] == "up"


@pytest.fixture
def scraped(stack: Stack, tmp_path: Path) -> Iterator[Callable[[], float]]:
    """All requests that Prometheus is told of."""
    port = free_port()
    command, env = [sys.executable, "-m", "veloflux_site.metrics"], stack.env | {"VELOFLUX_METRICS_PORT": str(port)}
    program = Program("metrics", command, env, tmp_path / "log")
    program.start()
    url = f"http://127.0.0.1:{port}/metrics"
    until(lambda: httpx.get(url).status_code == 200, what="metrics")
    yield lambda: sum(map(float, GAUGE.findall(httpx.get(url, timeout=20).text)))
    program.kill()


def test_e2_rates_are_those_of_prometheus_and_of_who_asked(
    stack: Stack, make_site: Make, scraped: Callable[[], float]
) -> None:
    site = make_site(1)
    pool = site.pool["id"]
    with opened(stack, "metrics") as heard:
        heard.settled(pool)
        counted, before = heard.items[pool], scraped()
        for node in (0, 1):
            assert site.ask(60, node).statuses[200] == 60
        heard.until(lambda items: items[pool]["requests"] == counted["requests"] + 120)
        heard.until(lambda items: items[pool]["requests_per_second"] > 0)
        told = heard.items[pool]
        assert told["bytes_out"] - counted["bytes_out"] >= 120 * len(site.origins[0].name)
        assert told["errors_5xx"] == counted["errors_5xx"]
        until(lambda: scraped() - before >= 120, what="the same in Prometheus")
        assert scraped() - before == pytest.approx(120, rel=0.05)
        # `over` is rounded to a second.
        seconds, rate = int(told["over"].removesuffix("s")), told["requests_per_second"]
        assert abs(rate * seconds - 120) <= 120 * 0.05 + rate / 2
        heard.until(lambda items: items[pool]["requests_per_second"] == 0)


def test_e3_workers_that_stop_are_in_a_frame_and_back_in_another(stack: Stack) -> None:
    control = stack.programs["control"]
    with opened(stack, "status") as heard:
        heard.until(lambda items: items.get("workers", {}).get("state") == "up")
        control.kill()
        try:
            heard.until(lambda items: items["workers"]["state"] == "down")
        finally:
            control.start()
        heard.until(lambda items: items["workers"]["state"] == "up")
        assert heard.kind == "delta"
