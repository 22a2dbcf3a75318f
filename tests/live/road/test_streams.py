"""What happens on real nodes, as it reaches a socket."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.live.road.conftest import Site
from tests.live.stack import Stack

pytestmark = pytest.mark.live
Make = Callable[..., Site]
SECTIONS = {"backends": "backends", "metrics": "pools", "status": "parts"}
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


def test_e2_what_is_asked_is_counted_to_the_last_request(stack: Stack, make_site: Make) -> None:
    site = make_site(2)
    pool = site.pool["id"]
    with opened(stack, "metrics") as heard:
        # Nothing grew for a whole window: all that was asked before is in.
        heard.until(lambda items: items.get(pool, {}).get("requests_per_second") == 0)
        before = heard.items[pool]
        fastest = 0.0

        def counted(items: dict[str, Any]) -> bool:
            nonlocal fastest
            fastest = max(fastest, items[pool]["requests_per_second"])
            return bool(items[pool]["requests"] >= before["requests"] + 400 and items[pool]["requests_per_second"] == 0)

        for node in range(len(stack.nodes)):
            assert not site.ask(200, node).failures
        heard.until(counted)
        after = heard.items[pool]
        assert after["requests"] == before["requests"] + 400
        assert after["bytes_out"] - before["bytes_out"] >= 400 * len(site.origins[0].name)
        assert after["errors_5xx"] == before["errors_5xx"]
        assert 0 < fastest <= 400


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
