"""A request's line, from HAProxy to the API of whose request it was, under the id that the origin got."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.live.core_node import Origin as Echo
from tests.live.core_node import Origins as Echoes
from tests.live.road.conftest import Site, post
from tests.live.stack import Stack, until

pytestmark = pytest.mark.live


@pytest.fixture
def echo() -> Iterator[str]:
    """An origin that says what it was asked."""
    server = Echoes(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_f17_f18_one_id_from_the_origin_to_the_tenants_own_log(
    stack: Stack, make_site: Callable[..., Site], echo: str
) -> None:
    site = make_site(1)
    post(site.api, "/backends", {"pool": site.pool["id"], "address": echo})
    node = stack.nodes[0]

    def seen_by_the_echo() -> Any:
        answer = httpx.get(f"{node.url}/who?token=secret", headers={"Host": site.host}, timeout=5)
        return json.loads(answer.text)["headers"] if answer.text.startswith("{") else None

    headers = {name.lower(): value for name, value in until(seen_by_the_echo, what="the echo answering").items()}
    line = until(lambda: lines(site.api, id=headers["x-request-id"]), what="the line")[0]
    assert (line["path"], line["host"], line["status"], line["node"]) == ("/who", site.host, 200, node.name)
    assert (line["pool"], line["address"]) == (site.pool["id"], "127.0.0.1")
    new = {"email": "lines@people.test", "password": "correct horse battery staple", "tenant_name": "Lines"}
    other = httpx.post(f"{stack.console}/api/auth/register", json={**new, "plan": "pro"}, timeout=20).json()
    with stack.api(other["tenant"]["slug"], key=other["token"]) as stranger:
        assert lines(stranger) == []


def test_f17_traffic_goes_on_without_the_worker(stack: Stack, make_site: Callable[..., Site]) -> None:
    site = make_site(1)
    edge = stack.programs[f"edge-{stack.nodes[0].name}"]
    edge.kill()
    try:
        assert site.ask(300).by == {site.origins[0].name: 300}
    finally:
        edge.start()

    def again() -> Any:
        site.ask(1, path="/again")
        return lines(site.api, path="/again")

    until(again, within=30, what="lines, once the worker is back")


def lines(api: httpx.Client, **wanted: str) -> list[dict[str, Any]]:
    answer = api.get("/logs", params=wanted)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found
