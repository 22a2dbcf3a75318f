"""A socket that is wedged, a port that is taken in the last moment, a tenant that errs while others change."""

import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import replace

import pytest

from balancer.edge import loader, tree
from balancer.edge.confirm import order
from balancer.edge.converge import converge, reload
from balancer.edge.node import Node
from balancer.edge.report import Outcome, TenantOutcome
from balancer.haproxy.desired import Pool, Route, Tenant
from balancer.haproxy.listeners import Listener, ListenerKind, Mode
from balancer.haproxy.render import render_shard
from balancer.haproxy.show import Processes
from tests.live.edge.load import load
from tests.live.edge.nodes import NO_CHECK, LiveNode, free_port, server, tenant
from tests.live.edge.origins import Origins
from tests.live.edge.test_reload import outcomes


@pytest.fixture
def node(shared: LiveNode) -> LiveNode:
    return shared


def test_a_wedged_haproxy_is_told_as_not_live_and_heals(node: LiveNode, origins: Origins) -> None:
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)))
    node.node.runtime.timeout = 0.3
    pid = node.worker_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        for weight in (5, 7):
            report = converge(node.node, node.message(tenant("taaa", server("b1", origin, weight=weight))))
            assert report.outcome is Outcome.FAILED
            assert outcomes(report) == {"taaa": TenantOutcome.FAILED}
            assert "timed out" in report.words
    finally:
        os.kill(pid, signal.SIGCONT)
        node.node.runtime.timeout = 5.0
    report = converge(node.node, node.message())
    assert outcomes(report) == {"taaa": TenantOutcome.LIVE}
    assert node.servers("taaa_p1")["b1"][1] == 7
    assert node.get("taaa.test") == (200, "one")
    assert node.worker_pid == pid


def test_a_port_taken_after_its_trial_costs_one_reload_and_its_listener(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = origins.start("one")
    node.tell(tenant("tccc", server("b1", origin)))
    taken, pid = free_port(), node.worker_pid
    mine = tenant("taaa", server("b1", origin))
    tcp = Pool("p2", servers=(server("b1", origin),), health_check=NO_CHECK, mode=Mode.TCP)
    mine = replace(mine, pools=(*mine.pools, tcp), listeners=(Listener("l1", ListenerKind.TCP, "p2", port=taken),))
    holder = socket.socket()

    def take_it_first(live: Node) -> Processes:
        if holder.getsockname()[1] == 0:
            holder.bind(("127.0.0.1", taken))
            holder.listen()
        return order(live)

    monkeypatch.setattr(loader, "order", take_it_first)
    with holder:
        report = node.tell(mine, tenant("tbbb", server("b1", origin)))
        assert outcomes(report) == dict.fromkeys(("taaa", "tbbb"), TenantOutcome.FAILED)
        assert node.worker_pid == pid
        assert node.get("tccc.test") == (200, "one")
        report = reload(node.node)  # which it asks itself for
        assert outcomes(report) == {"taaa": TenantOutcome.REFUSED, "tbbb": TenantOutcome.LIVE}
        refused = next(one for one in report.tenants if one.tenant == "taaa")
        assert f"Port {taken} cannot be opened" in refused.reason
        assert not node.node.reload_due
        for host in ("taaa", "tbbb", "tccc"):
            assert node.get(f"{host}.test") == (200, "one")


def test_nine_of_ten_go_live_while_the_tenth_errs_each_time(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All ten at once, three times: a reload for each time, and two readings of the configuration more for who errs."""

    def render(tenants: Sequence[Tenant]) -> str:
        bad = "".join("    no-such-keyword\n" for one in tenants if one.key == "t4" and one.pools[1:])
        return render_shard(tenants) + bad

    origin = origins.start("one")
    keys = [f"t{number}" for number in range(10)]
    states = {key: tenant(key, server("b1", origin)) for key in keys}
    node.tell(*states.values())
    monkeypatch.setattr(tree, "render_shard", render)
    reloads = node.node.master.processes().reloads
    with load(node.port, "t4.test") as asked:
        for time in range(1, 4):
            for key in keys:
                grown = Pool(f"px{time}", servers=(server("b1", origin),), health_check=NO_CHECK)
                route = Route(f"rx{time}", f"{key}x{time}.test", "/", grown.key)
                states[key] = replace(
                    states[key], pools=(*states[key].pools, grown), routes=(*states[key].routes, route)
                )
                report = converge(node.node, node.message(states[key]))
                assert outcomes(report) == {key: TenantOutcome.RELOAD_DUE}
            report = reload(node.node)
            assert outcomes(report) == {
                key: TenantOutcome.REFUSED if key == "t4" else TenantOutcome.LIVE for key in keys
            }
            told = next(one for one in report.tenants if one.tenant == "t4")
            assert told.reason == loader.REFUSED
            assert "no-such-keyword" in told.words
            assert not node.node.reload_due
            assert node.node.master.processes().reloads == reloads + time
            for key in keys:
                assert node.get(f"{key}x{time}.test")[0] == (421 if key == "t4" else 200)
    assert asked.failed == []
    monkeypatch.undo()
    assert outcomes(node.tell(states["t4"])) == {"t4": TenantOutcome.LIVE}
    assert node.get("t4x3.test") == (200, "one")
