"""The disk is full while a change arrives: what serves keeps serving, and the change comes once there is room."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from balancer.edge import files
from balancer.edge.converge import converge, reload
from balancer.edge.look import look_at_all
from balancer.edge.report import Outcome, Report, TenantOutcome
from balancer.haproxy.desired import Pool, Route, Tenant
from balancer.haproxy.planner import drift
from tests.live.edge.nodes import NO_CHECK, REPOSITORY, LiveNode, eventually, server, tenant
from tests.live.edge.origins import Origin, Origins

FULL = "There is no space left on the node's disk."


@contextmanager
def full_from(first: int) -> Iterator[list[int]]:
    """The disk takes whole writes before the `first`, half of that one, and nothing after it. Counts what was tried."""
    real, tried = files.write_out, [0]

    def short(descriptor: int, data: bytes) -> None:
        tried[0] += 1
        if tried[0] < first:
            return real(descriptor, data)
        if tried[0] == first:
            real(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    files.write_out = short
    try:
        yield tried
    finally:
        files.write_out = real


def wanted(number: int, origin: Origin) -> Tenant:
    """Another weight and host, which are commands, and for even numbers a pool, which is a reload."""
    first = tenant("taaa", server("b1", origin, weight=number + 1))
    pools = (*first.pools, *[Pool(f"px{number}", health_check=NO_CHECK)] * (number % 2 == 0))
    return replace(first, pools=pools, routes=(*first.routes, Route("r2", f"h{number}.test", "/", "p1")))


def assert_said(report: Report) -> None:
    assert report.outcome is Outcome.FAILED
    assert report.words == FULL
    assert {(one.tenant, one.outcome, one.words) for one in report.tenants} == {("taaa", TenantOutcome.FAILED, FULL)}
    assert all("still serves" in one.reason for one in report.tenants)


def assert_arrived(node: LiveNode, desired: Tenant, report: Report) -> None:
    assert report.outcome is Outcome.CONVERGED
    assert not node.node.reload_due
    assert not node.node.store.unsure
    assert drift(desired, look_at_all(node.node.runtime), node.node.capabilities) == []
    assert node.get(desired.routes[1].host) == (200, "one")
    assert [path.name for path in node.folder.rglob("*.new")] == []


@pytest.mark.parametrize("structural", [False, True])
def test_a_disk_that_is_full_at_any_write(node: LiveNode, origins: Origins, structural: bool) -> None:
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)), tenant("tbbb", server("b1", origin)))
    first, failed = 0, True
    while failed:
        first += 1
        desired = wanted(2 * first + (not structural), origin)
        message = node.message(desired)
        with full_from(first) as tried:
            report = converge(node.node, message)
            if report.outcome is not Outcome.FAILED and node.node.reload_due:
                report = reload(node.node)
        failed = tried[0] >= first
        if failed:
            assert_said(report)
            assert node.get("taaa.test") == (200, "one")
            assert node.get("tbbb.test") == (200, "one")
            report = converge(node.node, message)  # the console, which heard of the failure, tells again
            if node.node.reload_due:
                report = reload(node.node)
        assert_arrived(node, desired, report)
    assert first > 4
    fresh = node.fresh_worker()
    with fresh.locked():
        assert {key: kept.loaded_state for key, kept in fresh.store.kept.items()}["taaa"] == desired


def test_the_systems_own_word_for_it_is_understood(node: LiveNode, origins: Origins) -> None:
    """Every write to /dev/full is answered as by a full disk; of what was half taken nothing stays."""
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)))
    message = node.message(wanted(1, origin))
    (node.folder / "fragments" / ".taaa.json.new").symlink_to("/dev/full")
    assert_said(converge(node.node, message))
    assert node.servers("taaa_p1")["b1"][1] == 100
    assert_arrived(node, wanted(1, origin), converge(node.node, message))
    assert node.servers("taaa_p1")["b1"][1] == 2


def test_a_node_starts_on_a_full_disk_with_what_served(node: LiveNode, origins: Origins) -> None:
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)))
    node.kill()
    code = (
        "import errno, os, sys\n"
        "from balancer.edge import boot, files\n"
        "def full(*_): raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        "files.write_out = full\n"
        "boot.main(os.environ)\n"
    )
    with (node.folder / "log" / "haproxy.log").open("ab") as log:
        node.process = subprocess.Popen(
            [sys.executable, "-c", code], env=node.environ, stdout=log, stderr=log, cwd=REPOSITORY
        )
    eventually(node._answers)
    assert f"{FULL} The last configuration that served is used." in (node.folder / "log" / "haproxy.log").read_text()
    assert node.get("taaa.test") == (200, "one")
    assert converge(node.fresh_worker(), node.message(wanted(1, origin))).outcome is Outcome.CONVERGED
    assert node.get("h1.test") == (200, "one")
