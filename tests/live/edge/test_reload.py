"""The reload: nothing lost by a good one, nothing harmed by a bad one."""

import signal
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from balancer.edge import confirm, loader, look, tree
from balancer.edge.check import check
from balancer.edge.converge import converge, reload
from balancer.edge.errors import NodeUnreachable, ReloadFailed
from balancer.edge.report import Outcome, Report, StepKind, TenantOutcome
from balancer.edge.tree import Texts
from balancer.haproxy.desired import Tenant
from balancer.haproxy.render import render_shard
from tests.live.edge.load import load
from tests.live.edge.nodes import FAST_CHECK, LiveNode, eventually, server, tenant
from tests.live.edge.origins import Origins


def outcomes(report: Report) -> dict[str, TenantOutcome]:
    return {one.tenant: one.outcome for one in report.tenants}


@pytest.fixture
def nonsense(monkeypatch: pytest.MonkeyPatch) -> None:
    """A renderer with a mistake that HAProxy refuses, for tenants called tbad…"""

    def render(tenants: Sequence[Tenant]) -> str:
        bad = "".join(f"    no-such-keyword {one.key}\n" for one in tenants if one.key.startswith("tbad"))
        return render_shard(tenants) + bad

    monkeypatch.setattr(tree, "render_shard", render)


def test_a_burst_is_one_reload(node: LiveNode, origins: Origins) -> None:
    origin = origins.start("one")
    for key in ("taaa", "tbbb", "tccc"):
        report = converge(node.node, node.message(tenant(key, server("b1", origin))))
        assert report.outcome is Outcome.RELOAD_DUE
        assert outcomes(report) == {key: TenantOutcome.RELOAD_DUE}
    before = node.node.master.processes().reloads
    report = reload(node.node)
    assert outcomes(report) == dict.fromkeys(("taaa", "tbbb", "tccc"), TenantOutcome.LIVE)
    assert node.node.master.processes().reloads == before + 1
    assert reload(node.node).tenants == ()
    assert node.node.master.processes().reloads == before + 1


def test_a_refused_tenant_is_held_back_and_another_goes_through(
    node: LiveNode, origins: Origins, nonsense: None
) -> None:
    origin = origins.start("one")
    report = node.tell(tenant("taaa", server("b1", origin)), tenant("tbad", server("b1", origin)))
    assert outcomes(report) == {"taaa": TenantOutcome.LIVE, "tbad": TenantOutcome.REFUSED}
    refused = next(one for one in report.tenants if one.tenant == "tbad")
    assert "no-such-keyword" in refused.words
    assert str(node.folder) not in refused.words
    assert "config/" not in refused.words
    assert refused.request_ids == ("request-2",)
    assert node.get("taaa.test") == (200, "one")
    assert not node.node.reload_due


def test_a_refused_change_leaves_what_the_tenant_had(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = origins.start("one"), origins.start("two")
    node.tell(tenant("tbad", server("b1", one)))

    def refuse(tenants: Sequence[Tenant]) -> str:
        return render_shard(tenants) + "".join("    no-such-keyword\n" for each in tenants if each.pools[1:])

    monkeypatch.setattr(tree, "render_shard", refuse)
    wanted = tenant("tbad", server("b1", two))
    pools = (*wanted.pools, type(wanted.pools[0])(key="p2"))
    report = node.tell(Tenant(key="tbad", pools=pools, routes=wanted.routes))
    assert outcomes(report) == {"tbad": TenantOutcome.REFUSED}
    assert node.get("tbad.test") == (200, "one")  # the address that a command had already changed, too
    again = converge(node.node, node.message(since=0))
    assert again.outcome is Outcome.CONVERGED
    later = node.tell(tenant("tbad", server("b1", two)))
    assert outcomes(later) == {"tbad": TenantOutcome.LIVE}
    assert node.get("tbad.test") == (200, "two")


def test_a_taken_address_is_refused_before_the_reload(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)))
    pid = node.worker_pid
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        section = f"frontend more from http\n    bind {address}\n    default_backend st_tenant\n"
        stage, frontends = node.node.trees.stage, node.node.tree.texts()["10-frontends.cfg"]

        def with_more(texts: Texts, *, base: int | None) -> int:
            return stage({**texts, "10-frontends.cfg": f"{frontends}\n{section}"}, base=base)

        monkeypatch.setattr(node.node.trees, "stage", with_more)
        with load(node.port, "taaa.test") as running:
            report = node.tell(tenant("tbbb", server("b1", origin)))
    assert outcomes(report) == {"tbbb": TenantOutcome.FAILED}
    assert address in report.words
    assert running.failed == []
    assert node.worker_pid == pid
    monkeypatch.undo()
    assert outcomes(reload(node.node)) == {"tbbb": TenantOutcome.LIVE}


def test_closed_frontends_bring_the_previous_tree_back(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)))
    tree_before = node.node.trees.number

    def paused(_: object) -> None:
        monkeypatch.undo()
        node.node.runtime.ask("disable frontend http")
        raise ReloadFailed("After the reload http does not take connections.")

    monkeypatch.setattr(loader, "frontends_open", paused)
    report = node.tell(tenant("tbbb", server("b1", origin)))
    assert outcomes(report) == {"tbbb": TenantOutcome.FAILED}
    assert StepKind.ROLLBACK in {step.kind for step in report.tenants[0].steps}
    assert node.node.trees.number == tree_before
    assert node.get("taaa.test") == (200, "one")
    assert node.node.reload_delay(0.0) >= 1
    assert outcomes(reload(node.node)) == {"tbbb": TenantOutcome.LIVE}
    assert node.get("tbbb.test") == (200, "one")


def test_d1_a_tree_that_the_check_passes_and_haproxy_does_not_start_is_rolled_back(
    node: LiveNode, origins: Origins, nonsense: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)))
    pid, number = node.worker_pid, node.node.trees.number
    monkeypatch.setattr(loader, "check", lambda *_: None)
    report = node.tell(tenant("tbad", server("b1", origin)))
    assert outcomes(report) == {"tbad": TenantOutcome.FAILED}
    assert "could not start" in report.words or "refused the reload" in report.words  # 2.6; later ones say why
    assert (node.worker_pid, node.node.trees.number) == (pid, number)
    assert node.get("taaa.test") == (200, "one")


@pytest.mark.parametrize("one_by_one", [200, 0])
def test_a_down_server_gets_no_request_over_a_reload(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch, one_by_one: int
) -> None:
    monkeypatch.setattr(look, "ONE_BY_ONE", one_by_one)
    one, two = origins.start("one"), origins.start("two")
    two.well = False
    slow = FAST_CHECK.__class__(path="/health", interval_ms=400, timeout_ms=200, rise=3, fall=1)
    node.tell(tenant("taaa", server("b1", one), server("b2", two), check=slow))
    eventually(lambda: node.servers("taaa_p1")["b2"][2] == "down")
    with load(node.port, "taaa.test") as running:
        node.tell(tenant("tbbb", server("b1", one)))
        assert node.servers("taaa_p1")["b2"][2] == "down"
    assert running.failed == []
    two.well = True
    eventually(lambda: node.servers("taaa_p1")["b2"][2] == "up")


def test_anothers_rare_checks_hold_up_nobodys(node: LiveNode, origins: Origins) -> None:
    """A new worker would spread the first checks of all over the rare one's ten minutes."""
    well, ill = origins.start("well"), origins.start("ill")
    ill.well = False
    rare = tuple(tenant(f"ta{n}", server("b1", well), check=replace(FAST_CHECK, interval_ms=600_000)) for n in range(3))
    often = tuple(tenant(f"tb{n}", server("b1", ill), check=FAST_CHECK) for n in range(3))
    node.tell(*rare, *often)
    for each in often:
        eventually(lambda each=each: node.servers(f"{each.key}_p1")["b1"][2] == "down", within=40)  # type: ignore[misc]


def test_d1_twenty_reloads_under_load_lose_nothing(node: LiveNode, origins: Origins) -> None:
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)))
    with load(node.port, "taaa.test") as running:
        for number in range(20):
            report = node.tell(tenant(f"tb{number}", server("b1", origin)))
            assert report.outcome is Outcome.CONVERGED, report.words
    assert node.node.master.processes().reloads == 21
    assert running.failed == []
    assert running.answers["one"] > 200
    assert len(node.node.trees.numbers()) == 2


def test_haproxy_killed_during_a_reload_comes_back_with_everything(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)))

    def die(live: object, before: object) -> None:
        node.kill(signal.SIGKILL)
        confirm.confirm(live, before)  # type: ignore[arg-type]

    monkeypatch.setattr(loader, "confirm", die)
    report = node.tell(tenant("tbbb", server("b1", origin, weight=5)))
    assert outcomes(report) == {"tbbb": TenantOutcome.FAILED}
    monkeypatch.undo()
    with pytest.raises(NodeUnreachable):
        node.node.runtime.ask("show info")
    node.start()
    report = converge(node.node, node.message())
    assert report.outcome is Outcome.CONVERGED
    assert node.get("taaa.test") == (200, "one")
    assert node.get("tbbb.test") == (200, "one")
    assert node.servers("tbbb_p1")["b1"][:2] == ("ready", 5)


def test_what_is_checked_is_what_changed(node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = origins.start("one")
    node.tell(*(tenant(f"t{number}", server("b1", origin)) for number in range(6)))
    seen: list[list[Path]] = []

    def watched(haproxy: str, configuration: list[Path]) -> None:
        seen.append(configuration)
        check(haproxy, configuration)

    monkeypatch.setattr(loader, "check", watched)
    node.tell(tenant("tnew", server("b1", origin)))
    assert [len(files) for files in seen] == [3]
    shard = seen[0][2].name
    old, new = (node.node.trees.path(number) for number in node.node.trees.numbers()[-2:])
    shared = {path.name for path in new.glob("*.cfg") if (old / path.name).exists() and path.samefile(old / path.name)}
    assert shared == {path.name for path in new.glob("*.cfg")} - {shard}
