"""Nodes that are told the same, and three echoing origins behind them: pools `p1` to `p3`."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from balancer.haproxy.desired import Pool, Route, Server, Tenant
from tests.live.edge.echo import Echo, echoes
from tests.live.edge.nodes import NO_CHECK, LiveNode

HOST = "taaa.test"
EACH_ITS_OWN = frozenset({"date", "age", "set-cookie", "x-request-id"})


@dataclass
class Alike:
    nodes: list[LiveNode]
    origins: list[Echo]
    client: httpx.Client

    @property
    def node(self) -> LiveNode:
        """The first."""
        return self.nodes[0]

    @property
    def workers(self) -> list[int]:
        """Their pids: the same again where nothing was reloaded."""
        return [node.worker_pid for node in self.nodes]

    def state(self, *routes: Route, key: str = "taaa", **values: Any) -> Tenant:
        pools = tuple(
            Pool(f"p{number}", servers=(Server("b1", "127.0.0.1", one.server_port),), health_check=NO_CHECK)
            for number, one in enumerate(self.origins, 1)
        )
        return Tenant(key, pools, routes, **values)

    def serve(self, *routes: Route, **values: Any) -> None:
        self.tell(self.state(*routes, **values))

    def tell(self, *tenants: Tenant) -> None:
        for node in self.nodes:
            report = node.tell(*tenants)
            assert {one.outcome.value for one in report.tenants} <= {"live"}, report

    def on(self, node: int, path: str = "/", method: str = "GET", host: str = HOST, **options: Any) -> httpx.Response:
        # A connection that is kept stays with an old worker.
        headers = {"Host": host, "Connection": "close", **options.pop("headers", {})}
        self.client.cookies.clear()
        url = f"http://127.0.0.1:{self.nodes[node].port}{path}"
        return self.client.request(method, url, headers=headers, **options)

    def ask(self, path: str = "/", method: str = "GET", **options: Any) -> httpx.Response:
        """The first node's answer, which every other one gives too."""
        answers = [self.on(at, path, method, **options) for at in range(len(self.nodes))]
        assert len({said(answer) for answer in answers}) == 1, [said(answer) for answer in answers]
        return answers[0]

    def pool(self, path: str = "/", method: str = "GET", **options: Any) -> str:
        """Who answered: an origin's name, or the status."""
        answer = self.ask(path, method, **options)
        return str(answer.json()["name"]) if answer.status_code == 200 else str(answer.status_code)

    def asked(self) -> int:
        """How often the origins were asked since the last time."""
        count = sum(origin.asked for origin in self.origins)
        for origin in self.origins:
            origin.asked = 0
        return count

    def quiet(self) -> None:
        """Origins as they are at first."""
        for origin in self.origins:
            origin.said, origin.body, origin.wait, origin.status, origin.chunked = {}, "", None, 200, False
        self.asked()


def said(answer: httpx.Response) -> str:
    """All of it, but for what each request has of its own."""
    text = answer.text
    if answer.headers.get("content-type", "").startswith("text/") or not text.startswith("{"):
        told: Any = text
    else:
        told = json.loads(text)
        told["headers"].pop("x-request-id", None)
    headers = sorted((name, value) for name, value in answer.headers.multi_items() if name not in EACH_ITS_OWN)
    return json.dumps([answer.status_code, headers, told])


@contextmanager
def alike(*names: str) -> Iterator[Alike]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vf-"))
        origins = stack.enter_context(echoes("p1", "p2", "p3"))
        nodes = [LiveNode(Path(folder) / name) for name in names]
        for node in nodes:
            node.start()
            stack.callback(node.kill)
        client = stack.enter_context(httpx.Client(timeout=5, trust_env=False, verify=False))  # noqa: S501 - no TLS here
        yield Alike(nodes, origins, client)
