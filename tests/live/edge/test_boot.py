"""Starting a node: as in production, with whatever is on its disk."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from balancer.edge import boot
from balancer.edge.converge import converge
from balancer.edge.report import Outcome, TenantOutcome
from balancer.edge.settings import NodeEnvironment, SettingsMissing
from balancer.edge.tree import Piece
from tests.live.edge.nodes import KEY, REPOSITORY, LiveNode, server, tenant
from tests.live.edge.origins import Origins


def test_a_node_that_was_away_starts_with_what_it_was_told(node: LiveNode, origins: Origins) -> None:
    node.kill()
    for weight in range(1, 6):
        report = converge(node.node, node.message(tenant("taaa", server("b1", origins.start("one"), weight=weight))))
        assert report.outcome is Outcome.FAILED
        assert "did not answer" in report.tenants[0].reason
    node.start()
    assert node.get("taaa.test") == (200, "one")
    report = converge(node.node, node.message())
    assert [(one.outcome, one.generation) for one in report.tenants] == [(TenantOutcome.LIVE, 5)]


def test_a_power_cut_that_lost_the_fragments_files_finds_them_in_the_journal(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one"))))
    (node.folder / "fragments" / "taaa.json").write_text("")
    journal = node.folder / "journal"
    journal.write_text(journal.read_text() + '\n{"tenant":"tbbb","tar')
    node.kill()
    node.start()
    assert node.get("taaa.test") == (200, "one")
    assert node.fresh_worker().store.folder == node.folder


def test_the_worker_asks_for_everything_when_a_fragment_cannot_be_read(node: LiveNode, origins: Origins) -> None:
    whole = tenant("taaa", server("b1", origins.start("one")))
    node.tell(whole)
    node.kill()
    node.start()  # the journal is cleared by it
    (node.folder / "fragments" / "taaa.json").write_text("{")
    worker = node.fresh_worker()
    assert converge(worker, node.message(since=1)).outcome is Outcome.BEHIND
    report = converge(worker, node.message(whole, since=0))
    assert report.tenants[0].outcome in (TenantOutcome.LIVE, TenantOutcome.RELOAD_DUE)


def test_a_configuration_that_is_refused_at_start_gives_way_to_the_one_that_served(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one"))))
    served = node.node.trees.number
    monkeypatch.setattr(boot, "piece_of", lambda _: Piece("nonsense\n", {}))
    monkeypatch.setattr("balancer.edge.tree.render_maps", lambda _: {})
    boot.prepare(node.fresh_worker(), now=datetime.now(UTC))
    assert node.node.trees.number == served


def test_haproxy_gets_no_secret_and_its_own_thread(node: LiveNode) -> None:
    environment = node.node.runtime.ask("show env")
    assert KEY not in environment
    ours = {line.partition("=")[0] for line in environment.splitlines() if line.startswith("VELOFLUX")}
    assert ours == {"VELOFLUX_RUN", "VELOFLUX_LISTEN", "VELOFLUX_THREADS"}  # what tenants' sections call the node's own
    assert "PATH=" in environment
    threads = (node.folder / "config" / "current" / "00-global.cfg").read_text()
    assert "level admin" in threads
    assert "thread 1" in threads


def test_everything_on_the_disk_is_ours_alone(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one"))))
    for folder in ("certs", "config", "fragments", "run"):
        assert (node.folder / folder).stat().st_mode & 0o777 == 0o700
    for path in [*node.folder.rglob("*.json"), *node.folder.rglob("*.pem")]:
        assert path.stat().st_mode & 0o777 == 0o600
    for path in node.folder.rglob("*.sock"):
        assert path.stat().st_mode & 0o777 == 0o600


def _boot(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "balancer.edge.boot"]
    return subprocess.run(command, env=environ, cwd=REPOSITORY, capture_output=True, text=True, timeout=20)


def test_a_too_old_haproxy_is_refused_in_a_sentence(tmp_path: Path) -> None:
    old = tmp_path / "haproxy"
    old.write_text("#!/bin/sh\necho 'HAProxy version 2.4.30-0ubuntu0.22.04.2 2026/01/01'\n")
    old.chmod(0o700)
    environ = {
        "PATH": os.environ["PATH"],
        "VELOFLUX_NODE_ID": "n1",
        "VELOFLUX_NODE_NAME": "one",
        "VELOFLUX_NODE_DIR": str(tmp_path / "node"),
        "VELOFLUX_NODE_HTTP_BIND": "127.0.0.1:1",
        "VELOFLUX_HAPROXY": str(old),
    }
    ended = _boot(environ)
    assert ended.returncode != 0
    assert "is HAProxy 2.4.30; VeloFlux needs 2.6 or newer" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_missing_variables_are_all_named() -> None:
    ended = _boot({"PATH": os.environ["PATH"], "VELOFLUX_NODE_ID": "n1"})
    assert "VELOFLUX_NODE_NAME, VELOFLUX_NODE_DIR, VELOFLUX_NODE_HTTP_BIND, VELOFLUX_HAPROXY" in ended.stderr
    with pytest.raises(SettingsMissing, match="VELOFLUX_NODE_KEY, VELOFLUX_NODE_BROKER_URL"):
        NodeEnvironment.from_environ(dict.fromkeys(boot_names(), "x"))


def boot_names() -> list[str]:
    names = ("ID", "NAME", "DIR", "HTTP_BIND")
    return [*(f"VELOFLUX_NODE_{name}" for name in names), "VELOFLUX_HAPROXY"]


def test_a_report_is_json(node: LiveNode, origins: Origins) -> None:
    report = node.tell(tenant("taaa", server("b1", origins.start("one"))))
    body = json.loads(json.dumps(report.to_json()))
    assert body["tenants"][0]["outcome"] == "live"
    assert {step["kind"] for step in body["tenants"][0]["steps"]} >= {"files", "check", "reload", "confirm"}
