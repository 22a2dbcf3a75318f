"""A message in, traffic out: on a real HAProxy."""

from collections import Counter

from balancer.edge.report import Outcome, TenantOutcome
from tests.live.edge.nodes import LiveNode, server, tenant
from tests.live.edge.origins import Origins


def test_a_new_pool_and_its_server_get_traffic(node: LiveNode, origins: Origins) -> None:
    origin = origins.start("one")
    report = node.tell(tenant("taaa", server("b1", origin)))
    assert report.outcome is Outcome.CONVERGED, report
    assert [(one.tenant, one.outcome) for one in report.tenants] == [("taaa", TenantOutcome.LIVE)]
    assert node.get("taaa.test") == (200, "one")


def test_weight_one_to_three_shows_in_the_counts(node: LiveNode, origins: Origins) -> None:
    one, two = origins.start("one"), origins.start("two")
    node.tell(tenant("taaa", server("b1", one), server("b2", two)))
    pid = node.worker_pid
    report = node.tell(tenant("taaa", server("b1", one, weight=1), server("b2", two, weight=3)))
    assert report.outcome is Outcome.CONVERGED
    counts = Counter(node.get("taaa.test")[1] for _ in range(40))
    assert counts == {"one": 10, "two": 30}
    assert node.worker_pid == pid
