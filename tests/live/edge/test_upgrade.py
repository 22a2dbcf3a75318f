"""The worker is of a newer version than what HAProxy was started with: it is brought along without losing a request."""

from dataclasses import replace

import httpx

from balancer.edge.converge import converge, reload, repair
from balancer.edge.report import Outcome, TenantOutcome
from balancer.haproxy.protection import FrameOptions, SecurityHeaders
from tests.live.edge.load import load
from tests.live.edge.nodes import LiveNode, eventually, server, tenant
from tests.live.edge.origins import Origins
from tests.live.edge.test_reload import outcomes


def older(node: LiveNode) -> None:
    """HAProxy runs frontends that know nothing of a map of today's."""
    path = node.node.trees.current / "10-frontends.cfg"
    path.write_text(
        "".join(
            line
            for line in path.read_text().splitlines(keepends=True)
            if "headers" not in line and "dressed" not in line
        )
    )
    before = node.worker_pid
    node.node.master.reload(timeout=10)
    eventually(lambda: node.worker_pid != before)
    assert "Unknown map" in node.node.runtime.ask_all(["show map maps/headers.map"])[0]


def frame_options(node: LiveNode) -> str | None:
    answer = httpx.get(f"http://127.0.0.1:{node.port}/", headers={"Host": "taaa.test"})
    told: str | None = answer.headers.get("x-frame-options")
    return told


def test_a_newer_worker_brings_the_nodes_own_files_along(node: LiveNode, origins: Origins) -> None:
    one = tenant("taaa", server("b1", origins.start("one")))
    node.tell(one)
    older(node)
    worker = node.fresh_worker()
    with load(node.port, "taaa.test") as running:
        assert repair(worker).outcome is Outcome.RELOAD_DUE
        reload(worker)
        dressed = replace(one, headers=SecurityHeaders(frame_options=FrameOptions.DENY))
        report = converge(worker, node.message(dressed))
        assert outcomes(report) == {"taaa": TenantOutcome.LIVE}
    assert running.failed == []
    assert frame_options(node) == "DENY"
    assert not worker.reload_due
    assert not node.fresh_worker().own


def test_what_an_older_haproxy_does_not_know_waits_for_the_reload(node: LiveNode, origins: Origins) -> None:
    one = tenant("taaa", server("b1", origins.start("one")))
    node.tell(one)
    older(node)
    worker = node.fresh_worker()
    dressed = replace(one, headers=SecurityHeaders(frame_options=FrameOptions.DENY))
    assert outcomes(converge(worker, node.message(dressed))) == {"taaa": TenantOutcome.RELOAD_DUE}
    assert outcomes(reload(worker)) == {"taaa": TenantOutcome.LIVE}
    assert frame_options(node) == "DENY"
