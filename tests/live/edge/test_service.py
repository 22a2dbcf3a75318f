"""A node leaves service softly, stays out over restarts, and comes back."""

import http.client
import json

import httpx
import pytest

from balancer.edge.converge import converge, reload
from balancer.edge.message import Message
from balancer.edge.report import Outcome, Report
from tests.live.edge.load import load
from tests.live.edge.nodes import LiveNode, eventually, server, tenant
from tests.live.edge.origins import Origins

READY = "/.well-known/veloflux-node"


def serve(node: LiveNode, service: str) -> Report:
    at = node.node.store.generation
    body = {"node": "n1", "since": at, "generation": at, "fragments": [], "service": service}
    report = converge(node.node, Message.from_body(json.dumps(body), node="n1"))
    assert (report.outcome, report.service) == (Outcome.RELOAD_DUE, "")
    return reload(node.node)


def refused(node: LiveNode) -> bool:
    try:
        node.get("a.test")
    except httpx.ConnectError:
        return True
    return False


def test_a_node_leaves_softly_stays_out_and_comes_back(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one")), host="a.test"))
    assert node.get("a.test", READY) == (200, "This node serves.\n")
    kept = http.client.HTTPConnection("127.0.0.1", node.port, timeout=5)

    def ask() -> http.client.HTTPResponse:
        kept.request("GET", "/", headers={"Host": "a.test"})
        answer = kept.getresponse()
        answer.read()
        return answer

    with load(node.port, "a.test") as tally:
        assert not ask().will_close
        assert serve(node, "leaving").service == "leaving"
        assert node.get("nobody.test", READY) == (503, "This node leaves service.\n")
        assert node.get("a.test")[0] == 200, "it still serves"
        answer = ask()
        assert (answer.status, answer.will_close) == (200, True), "and asks clients to come again"
    assert tally.answers.total() > 20
    assert not tally.failed
    slow = http.client.HTTPConnection("127.0.0.1", node.port, timeout=5)
    slow.request("POST", "/", body=b"x", headers={"Host": "a.test", "Content-Length": "2"})  # half of it
    assert serve(node, "out").service == "out"
    assert refused(node)
    slow.send(b"y")
    assert slow.getresponse().status == 200, "what was under way ends well"
    node.kill()
    node.start()
    node.fresh_worker()
    assert refused(node), "a restart of everything does not bring it back"
    assert serve(node, "in").service == "in"
    eventually(lambda: node.get("a.test", READY)[0] == 200)
    assert node.get("a.test")[0] == 200
    kept.close()
    slow.close()


@pytest.mark.parametrize("service", ["leaving", "out"])
def test_a_worker_that_was_ended_before_the_reload_goes_on(node: LiveNode, service: str) -> None:
    at = node.node.store.generation
    body = {"node": "n1", "since": at, "generation": at, "fragments": [], "service": service}
    converge(node.node, Message.from_body(json.dumps(body), node="n1"))
    again = node.fresh_worker()
    assert again.reload_due
    assert reload(again).service == service
    assert not again.reload_due
