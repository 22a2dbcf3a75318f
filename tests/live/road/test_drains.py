"""Drains on real nodes: what is under way is not cut, and what follows comes by itself."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest

from tests.live.origins import Server
from tests.live.road.conftest import Site, post
from tests.live.stack import Stack, until

pytestmark = pytest.mark.live
Make = Callable[..., Site]
CHUNKS = 40


@contextmanager
def slow_origin(go_on: threading.Event) -> Iterator[str]:
    """Answers `/long` half, and the other half once it may go on."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != "/long":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")
                return
            self.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {CHUNKS * 1000}\r\n\r\n".encode())
            for number in range(CHUNKS):
                if number == CHUNKS // 2:
                    go_on.wait(60)
                self.wfile.write(b"x" * 1000)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        go_on.set()
        server.shutdown()
        server.server_close()


class Download(threading.Thread):
    """A long answer by one node, begun when this returns."""

    def __init__(self, port: int, host: str) -> None:
        super().__init__(daemon=True)
        self.begun, self.got, self.failed = threading.Event(), 0, ""
        self.ask = (f"http://127.0.0.1:{port}/long", {"Host": host})
        self.start()
        assert self.begun.wait(10)

    def run(self) -> None:
        try:
            with httpx.stream("GET", self.ask[0], headers=self.ask[1], timeout=90) as answer:
                for part in answer.iter_bytes():
                    self.got += len(part)
                    self.begun.set()
        except httpx.HTTPError as error:
            self.failed = repr(error)


def backend(site: Site, one: dict[str, Any]) -> dict[str, Any]:
    answer = site.api.get(f"/backends/{one['id']}")
    return {"gone": True} if answer.status_code == 404 else dict(answer.json())


def test_a6_a_long_download_outlives_the_drain_that_removes_its_backend(stack: Stack, make_site: Make) -> None:
    site, go_on = make_site(1), threading.Event()
    with slow_origin(go_on) as address:
        slow = post(site.api, "/backends", {"pool": site.pool["id"], "address": address})
        until(lambda: b"slow" in {site_answer(stack, site) for _ in range(4)}, what="the slow one")
        # Whose turn it is nobody knows: ask until one is served by the slow origin, which answers half.
        download = begin(stack, site)
        asked = site.api.delete(f"/backends/{slow['id']}?drain=60s")
        assert asked.status_code == 202, asked.text
        until(lambda: backend(site, slow)["drain"]["sessions"] == 1, what="one session left")
        seen = backend(site, slow)["drain"]
        assert (seen["then"], seen["empty"], 0 < seen["seconds_left"] <= 60) == ("remove", False, True)
        until(lambda: all(node["confirmed"] for node in backend(site, slow)["drain"]["nodes"]), what="both nodes")
        assert {node["node"]: node["sessions"] for node in backend(site, slow)["drain"]["nodes"]} == {"n1": 1, "n2": 0}
        site.answered_by({site.origins[0].name})
        assert not backend(site, slow).get("gone"), "a session is left"
        go_on.set()
        download.join(15)
        assert (download.failed, download.got) == ("", CHUNKS * 1000)
        until(lambda: backend(site, slow).get("gone"), what="its removal")


def site_answer(stack: Stack, site: Site) -> bytes:
    return httpx.get(stack.nodes[0].url, headers={"Host": site.host}).content


def begin(stack: Stack, site: Site) -> Download:
    while True:
        download = Download(stack.nodes[0].http_port, site.host)
        download.join(0.3)
        if download.is_alive():
            return download


def test_a_deadline_comes_by_itself_and_survives_restarts(stack: Stack, make_site: Make) -> None:
    site = make_site(2)
    one = site.backends[0]
    asked = post(site.api, f"/backends/{one['id']}/drain", {"deadline": "1s", "then": "maintain"}, status=200)
    assert asked["drain"]["then"] == "maintain"
    stack.programs["control"].restart()
    stack.programs["beat"].restart()
    until(lambda: backend(site, one)["admin"] == "maint", within=60, what="maintenance")
    until(lambda: all(n["admin"] == "maint" for n in backend(site, one)["status"]["nodes"]), what="both nodes")
    post(site.api, f"/backends/{one['id']}/ready", status=200)
    site.answered_by({origin.name for origin in site.origins})


def test_the_last_healthy_one_is_measured(make_site: Make) -> None:
    site = make_site(2)
    site.origins[1].healthy = False

    def ill() -> bool:
        seen = backend(site, site.backends[1])["status"]
        failing = (seen["last_check"] or {}).get("code") == "L7STS"
        return failing and all(node["oper"] == "down" for node in seen["nodes"])

    until(ill, what="an ill one, seen by both nodes")
    refused = site.api.post(f"/backends/{site.backends[0]['id']}/drain", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "last_healthy"), refused.text
