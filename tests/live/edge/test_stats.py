"""The reader: what the console hears about servers, pools and what differs."""

from typing import Any

import pytest

from balancer.edge import observer, stats
from balancer.edge.converge import repair
from balancer.edge.errors import NodeUnreachable
from balancer.edge.stats import Reader
from tests.live.edge.nodes import FAST_CHECK, LiveNode, eventually, server, tenant
from tests.live.edge.origins import Origins

Body = dict[str, Any]


class Heard:
    def __init__(self, node: LiveNode) -> None:
        self.bodies: list[Body] = []
        self.repairs: list[str] = []
        self.broken = False
        self.reader = Reader(node.node, send=self.send, repair=self.repairs.append)

    def send(self, body: Body) -> None:
        if self.broken:
            raise ConnectionError("the broker is away")
        self.bodies.append(body)

    def turn(self) -> Body | None:
        before = len(self.bodies)
        self.reader.turn()
        return self.bodies[-1] if len(self.bodies) > before else None


def test_everything_first_then_only_what_changed(node: LiveNode, origins: Origins) -> None:
    one, two = origins.start("one"), origins.start("two")
    node.tell(tenant("taaa", server("b1", one), server("b2", two), check=FAST_CHECK))
    eventually(lambda: {one[2] for one in node.servers("taaa_p1").values()} == {"up"})
    heard = Heard(node)
    first = heard.turn()
    assert first is not None
    assert (first["whole"], first["tenants"]) == (["taaa"], ["taaa"])
    assert set(first["servers"]) == {"taaa/p1/b1", "taaa/p1/b2"}
    assert first["servers"]["taaa/p1/b1"]["oper"] == "up"
    assert first["pid"] == node.worker_pid
    eventually(lambda: heard.turn() is None)
    two.well = False
    eventually(lambda: node.servers("taaa_p1")["b2"][2] == "down")
    change = heard.turn()
    assert change is not None
    assert change["whole"] == []
    assert set(change["servers"]) == {"taaa/p1/b2"}
    told = change["servers"]["taaa/p1/b2"]
    assert (told["oper"], told["admin"], told["check"], told["code"]) == ("down", "ready", "L7STS", 500)
    assert "Layer7 wrong status: " in told["detail"]


def test_requests_are_counted_over_a_reload(node: LiveNode, origins: Origins) -> None:
    one = origins.start("one")
    node.tell(tenant("taaa", server("b1", one)))
    heard = Heard(node)
    heard.turn()
    for _ in range(5):
        node.get("taaa.test")
    heard.turn()
    node.tell(tenant("tbbb", server("b1", one)))
    for _ in range(3):
        node.get("taaa.test")
    body = heard.turn()
    assert body is not None
    assert body["pools"]["taaa/p1"]["requests"] == 8
    assert body["requests"] == 8
    assert heard.repairs == []  # the reload was ours


def test_what_was_not_heard_is_told_again(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one"))))
    heard = Heard(node)
    heard.broken = True
    heard.turn()
    heard.broken = False
    body = heard.turn()
    assert body is not None
    assert (body["since"], body["whole"], body["tenants"]) == (-1, ["taaa"], ["taaa"])
    assert set(body["servers"]) == {"taaa/p1/b1"}


def test_a_restart_of_haproxy_is_noticed(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one"))))
    heard = Heard(node)
    heard.turn()
    node.kill()
    silent = heard.turn()
    assert silent is None or silent["pid"] == 0
    node.start()
    heard.turn()
    assert heard.repairs == ["HAProxy was started again"]


def test_drift_is_told_and_repaired(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one"), weight=9)))
    heard = Heard(node)
    heard.reader.scan_at_once()
    assert (heard.turn() or {})["drift"] == []
    node.node.runtime.ask_all(["set server taaa_p1/b1 weight 3", "del map maps/hosts.map taaa.test"])
    heard.reader.scan_at_once()
    body = heard.turn()
    assert body is not None
    assert len(body["drift"]) == 2
    assert heard.repairs == ["HAProxy runs something else than it was told"]
    repair(node.node)
    heard.reader.scan_at_once()
    body = heard.turn()
    assert body is not None
    assert body["drift"] == []


def test_a_scan_that_fails_keeps_nothing_from_being_told(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one"))))
    heard = Heard(node)

    def away(*_: Any) -> Any:
        raise NodeUnreachable("on purpose")

    monkeypatch.setattr(stats, "scan", away)
    heard.reader.scan_at_once()
    told = heard.turn()
    assert told is not None
    assert set(told["servers"]) == {"taaa/p1/b1"}


def test_e5_who_asks_is_told_at_once_though_nothing_is_new(node: LiveNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "HEARTBEAT_S", 1e9)
    monkeypatch.setattr(stats, "INTERVAL_S", 1e6)  # by itself it would never read again
    heard = Heard(node)
    heard.reader.start()
    eventually(lambda: len(heard.bodies) == 1)
    heard.reader.read_at_once()
    eventually(lambda: len(heard.bodies) == 2)
    assert heard.bodies[1]["at"] > heard.bodies[0]["at"]
    heard.reader.stop()


def test_the_thread_ends_when_told(node: LiveNode) -> None:
    heard = Heard(node)
    heard.reader.start()
    eventually(lambda: bool(heard.bodies))
    heard.reader.stop()
    assert not heard.reader.is_alive()
