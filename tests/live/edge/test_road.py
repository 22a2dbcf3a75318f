"""A message in, traffic out: on a real HAProxy."""

from collections import Counter
from dataclasses import replace

from balancer.edge.converge import converge, repair
from balancer.edge.report import Outcome, TenantOutcome
from balancer.haproxy.desired import AdminState, Route
from tests.live.edge.load import load
from tests.live.edge.nodes import FAST_CHECK, LiveNode, eventually, server, tenant
from tests.live.edge.origins import Origins


def test_a_new_pool_and_its_server_get_traffic(node: LiveNode, origins: Origins) -> None:
    report = node.tell(tenant("taaa", server("b1", origins.start("one"))))
    assert report.outcome is Outcome.CONVERGED
    assert [(one.tenant, one.outcome) for one in report.tenants] == [("taaa", TenantOutcome.LIVE)]
    assert node.get("taaa.test") == (200, "one")
    assert node.get("other.test")[0] == 421


def test_a5_weight_one_to_three_shows_in_the_counts(node: LiveNode, origins: Origins) -> None:
    one, two = origins.start("one"), origins.start("two")
    node.tell(tenant("taaa", server("b1", one), server("b2", two)))
    pid = node.worker_pid
    report = node.tell(tenant("taaa", server("b1", one, weight=1), server("b2", two, weight=3)))
    assert report.outcome is Outcome.CONVERGED
    # From 3.2 a lowered weight counts from the end of the turn that was begun with the old one.
    eventually(lambda: Counter(node.get("taaa.test")[1] for _ in range(40)) == {"one": 10, "two": 30})
    assert node.worker_pid == pid


def test_an_added_server_gets_traffic_and_no_request_fails(node: LiveNode, origins: Origins) -> None:
    one, two = origins.start("one"), origins.start("two")
    node.tell(tenant("taaa", server("b1", one), check=FAST_CHECK))
    pid = node.worker_pid
    with load(node.port, "taaa.test") as running:
        node.tell(tenant("taaa", server("b1", one), server("b2", two), check=FAST_CHECK))
        eventually(lambda: running.answers["two"] > 20)
    assert running.failed == []
    assert node.worker_pid == pid


def test_a_removed_server_gets_no_request_and_is_deleted(node: LiveNode, origins: Origins) -> None:
    one, two = origins.start("one"), origins.start("two")
    node.tell(tenant("taaa", server("b1", one), server("b2", two)))
    with load(node.port, "taaa.test") as running:
        node.tell(tenant("taaa", server("b1", one)))
        running.answers.clear()
        eventually(lambda: running.answers["one"] > 20)
        assert running.answers["two"] <= 4  # those on their way
        # HAProxy keeps it while idle connections are kept, and lets half of them go each 5 s: several rounds of it.
        eventually(lambda: not converge(node.node, node.message()).tenants, within=45)
        assert set(node.servers("taaa_p1")) == {"b1"}
    assert running.failed == []
    assert node.node.later == set()


def test_an_address_changes_without_a_reload(node: LiveNode, origins: Origins) -> None:
    one, two = origins.start("one"), origins.start("two")
    node.tell(tenant("taaa", server("b1", one)))
    pid = node.worker_pid
    node.tell(tenant("taaa", server("b1", two)))
    assert node.get("taaa.test") == (200, "two")
    assert node.worker_pid == pid
    node.kill()
    node.start()
    assert node.get("taaa.test") == (200, "two")


def test_a_host_and_a_path_are_added_and_removed_without_a_reload(node: LiveNode, origins: Origins) -> None:
    first = tenant("taaa", server("b1", origins.start("one")))
    node.tell(first)
    pid = node.worker_pid
    routes = (Route("r1", "taaa.test", "/api", "p1"), Route("r2", "*.wild.test", "/", "p1"))
    node.tell(replace(first, routes=routes))
    assert node.get("a.wild.test") == (200, "one")
    assert node.get("taaa.test", "/api/x") == (200, "one")
    assert node.get("taaa.test", "/apix")[0] == 404
    node.tell(replace(first, routes=routes[:1]))
    assert node.get("a.wild.test")[0] == 421
    assert node.worker_pid == pid


def test_a_limit_and_a_suspension_need_no_reload(node: LiveNode, origins: Origins) -> None:
    first = tenant("taaa", server("b1", origins.start("one")))
    node.tell(first)
    pid = node.worker_pid
    node.tell(replace(first, rps=2))
    assert 429 in [node.get("taaa.test")[0] for _ in range(6)]
    node.tell(replace(first, suspended=True))
    assert node.get("taaa.test")[0] == 503
    node.tell(first)
    assert node.get("taaa.test") == (200, "one")
    assert node.worker_pid == pid


def test_drain_survives_a_reload_and_a_restart(node: LiveNode, origins: Origins) -> None:
    one, two = origins.start("one"), origins.start("two")
    first = server("b1", one, weight=33, admin=AdminState.DRAIN)
    node.tell(tenant("taaa", first, server("b2", two)))
    assert node.servers("taaa_p1")["b1"][:2] == ("drain", 33)
    node.tell(tenant("tbbb", server("b1", one)))  # a reload for somebody else
    assert node.servers("taaa_p1")["b1"][:2] == ("drain", 33)
    node.kill()
    node.start()
    assert node.servers("taaa_p1")["b1"][:2] == ("drain", 33)
    assert {node.get("taaa.test")[1] for _ in range(6)} == {"two"}
    node.tell(tenant("taaa", server("b1", one, weight=33), server("b2", two)))
    assert {node.get("taaa.test")[1] for _ in range(6)} == {"one", "two"}


def test_a_tenant_that_leaves_is_gone_from_maps_files_and_memory(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one"))), tenant("tbbb", server("b1", origins.start("two"))))
    stale = node.message(tenant("taaa"), since=0)
    report = node.tell(gone=("taaa",))
    assert [(one.tenant, one.outcome) for one in report.tenants] == [("taaa", TenantOutcome.LIVE)]
    assert node.get("taaa.test")[0] == 421
    assert node.get("tbbb.test") == (200, "two")
    assert not (node.folder / "fragments" / "taaa.json").exists()
    assert not any("taaa" in path.read_text() for path in (node.folder / "config" / "current").rglob("*.*"))
    converge(node.fresh_worker(), stale)
    assert "taaa" not in node.node.store.kept  # an old message does not bring it back


def test_what_somebody_changed_by_hand_is_put_right(node: LiveNode, origins: Origins) -> None:
    node.tell(tenant("taaa", server("b1", origins.start("one"), weight=9)))
    node.node.runtime.ask_all(
        ["set server taaa_p1/b1 state maint", "set server taaa_p1/b1 weight 3", "del map maps/hosts.map taaa.test"]
    )
    report = repair(node.node)
    assert report.outcome is Outcome.CONVERGED
    assert node.servers("taaa_p1")["b1"][:2] == ("ready", 9)
    assert node.get("taaa.test") == (200, "one")
