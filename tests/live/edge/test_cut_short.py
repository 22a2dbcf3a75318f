"""Answers of HAProxy that are cut short: never taken for the whole, and what was asked for arrives all the same."""

import itertools
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from balancer.edge.converge import converge, reload
from balancer.edge.errors import NodeUnreachable
from balancer.edge.look import look_at_all
from balancer.edge.observer import Body
from balancer.edge.report import Outcome, TenantOutcome
from balancer.edge.stats import Reader
from balancer.haproxy.desired import AdminState, Route, Tenant
from balancer.haproxy.planner import drift
from tests.live.edge.cutting import Cutter, cutter
from tests.live.edge.load import load
from tests.live.edge.nodes import FAST_CHECK, LiveNode, server, tenant
from tests.live.edge.origins import Origin, Origins
from tests.live.edge.test_reload import outcomes


@pytest.fixture
def node(shared: LiveNode) -> LiveNode:
    return shared


@contextmanager
def cut(node: LiveNode) -> Iterator[tuple[Cutter, Cutter]]:
    """What the worker asks the admin socket, and the master's, goes through a cutter each."""
    admin, master = node.node.runtime, node.node.master
    paths = admin.path, master.path
    with ExitStack() as stack:
        cutters = [stack.enter_context(cutter(node.folder / "run" / f"cut{n}", path)) for n, path in enumerate(paths)]
        admin.path, master.path = (one.path for one in cutters)
        try:
            yield cutters[0], cutters[1]
        finally:
            admin.path, master.path = paths
            for one in cutters:
                one.path.unlink()


QUESTIONS = (
    "show info", "show stat -1 7 -1", "show stat -1 1 -1", "show backend", "show servers state",
    "show servers state taaa_p1", "show servers state taaa_none", "show map maps/routes.map",
    "get map maps/hosts.map taaa.test", "get map maps/hosts.map nobody.test",
    "set server taaa_p1/b1 weight 100", "set server taaa_p1/b1 state ready", "set server taaa_p1/none weight 1",
    "set server taaa_p1/b1 addr 127.0.0.1 port 9", "add server taaa_p1/bnew 127.0.0.1:9 weight 0",
    "set server taaa_p1/bnew state maint", "del server taaa_p1/bnew", "set maxconn server taaa_p1/b1 5",
    "add map maps/hosts.map cut.test taaa", "set map maps/hosts.map cut.test taaa", "del map maps/hosts.map cut.test",
)  # fmt: skip


def test_no_part_of_a_reply_passes_for_the_whole(node: LiveNode, origins: Origins) -> None:
    """Every kind of command, cut at every byte of short replies and at forty places of long ones."""
    node.tell(tenant("taaa", server("b1", origins.start("one"))))
    with cut(node) as (admin, _):
        for question in QUESTIONS:
            sizes: list[int] = []
            admin.cut = lambda _, reply, sizes=sizes: sizes.append(len(reply)) or reply  # type: ignore[misc]
            node.node.runtime.ask(question)
            whole = sizes[0]
            for size in {*range(0, whole, max(whole // 40, 1)), whole - 1, whole - 2, whole - 3}:
                admin.cut = lambda _, reply, size=size: reply[: min(size, len(reply) - 1)]  # type: ignore[misc]
                with pytest.raises(NodeUnreachable):
                    node.node.runtime.ask_all([question, "show info"])
                with pytest.raises(NodeUnreachable):
                    node.node.runtime.ask(question)


def changing(number: int, origin: Origin) -> Tenant:
    """Of every kind of command one: a weight, a state, a server that comes and one that goes, hosts likewise."""
    state = tenant("taaa", server("b1", origin, weight=number + 1), check=replace(FAST_CHECK, interval_ms=60_000))
    away = server("b2", origin, admin=(AdminState.READY, AdminState.DRAIN, AdminState.MAINT)[number % 3])
    pool = replace(state.pools[0], servers=(*state.pools[0].servers, away, server(f"b{number + 10}", origin)))
    return replace(state, pools=(pool,), routes=(*state.routes, Route("r2", f"h{number}.test", "/", "p1")))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_answers_cut_short_are_never_taken_for_the_truth(node: LiveNode, origins: Origins, share: float) -> None:
    """Two exchanges in a row are cut, one later each time: also the full look that follows a failure."""
    origin = origins.start("one")
    other = tenant("tbbb", *(server(f"b{n}", origin) for n in range(20)))
    node.tell(changing(0, origin), other)
    pid, reached = node.worker_pid, False
    for first in itertools.count(1):
        if reached:
            break
        desired = changing(first, origin)
        message = node.message(desired)
        with cut(node) as (admin, _):
            admin.cut = (
                lambda number, reply, first=first: (  # type: ignore[misc]
                    reply[: int((len(reply) - 1) * share)] if number in (first, first + 1) else reply
                )
            )
            for _ in range(3):
                report = converge(node.node, message)
                touched = len(admin.heard) >= first
                assert (report.outcome is Outcome.CONVERGED) == (not node.node.store.unsure)
                if report.outcome is Outcome.CONVERGED:
                    break
                assert outcomes(report) == {"taaa": TenantOutcome.FAILED}
                assert "answered" in report.words
        assert report.outcome is Outcome.CONVERGED
        said = "".join(admin.heard)
        assert "tbbb" not in re.sub(r"show .*", "", said), "whoever is not concerned is left alone"
        gone = {f"taaa_p1/b{first + 9}"}
        assert set(re.findall(r"del server (\S+)", said)) == gone
        assert set(re.findall(r"del map maps/hosts.map (\S+)", said)) == {f"h{first - 1}.test"}
        settled = look_at_all(node.node.runtime)
        for state in (desired, other):
            assert drift(state, settled, node.node.capabilities) == [], first
        reached = not touched
    assert first > 3
    assert node.worker_pid == pid, "no reload"


def test_a_reload_of_which_any_answer_is_cut_arrives(node: LiveNode, origins: Origins) -> None:
    """Of each socket the first, then the second… answer: nothing is lost, and what was told failed comes by itself."""
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)))
    with load(node.port, "taaa.test") as asked:
        for first in itertools.count(1):
            desired = tenant(f"tb{first}", server("b1", origin))
            converge(node.node, node.message(desired))
            reloads = node.node.master.processes().reloads
            with cut(node) as (admin, master):
                for one in (admin, master):
                    one.cut = lambda number, reply, first=first: reply[: len(reply) // 2] if number == first else reply  # type: ignore[misc]
                for _ in range(3):
                    report = reload(node.node)
                    if report.outcome is Outcome.CONVERGED:
                        break
                    assert set(outcomes(report).values()) == {TenantOutcome.FAILED}
            assert report.outcome is Outcome.CONVERGED
            assert node.get(f"{desired.key}.test") == (200, "one")
            assert node.node.master.processes().reloads <= reloads + 3
            assert drift(desired, look_at_all(node.node.runtime), node.node.capabilities) == []
            if first > max(len(admin.heard), len(master.heard)) or first > 6:
                break
    assert first > 3
    assert asked.failed == []


def test_the_reader_tells_nothing_of_a_table_that_was_cut(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", *(server(f"b{n}", origins.start("one")) for n in range(5))))
    said: list[Body] = []
    repairs: list[str] = []
    reader = Reader(node.node, send=said.append, repair=repairs.append)
    reader.turn()
    assert len(said[0]["servers"]) == 5
    with cut(node) as (admin, _):
        admin.cut = lambda _, reply: reply[: len(reply) // 2]
        reader.turn()
        admin.cut = lambda number, reply: reply[: len(reply) // 2] if number > 2 else reply  # the drift scan's
        reader.scan_at_once()
        reader.turn()
    reader.turn()
    assert repairs == []
    assert [body for body in said[1:] if body.get("gone") or body["drift"]] == []
    servers = {key: row for body in said for key, row in body["servers"].items()}
    assert len(servers) == 5
