"""Lines are bounded by tenant, and what is left out is counted."""

from balancer.edge import lines
from balancer.edge.lines import Lines
from balancer.haproxy.access_log import PER_SECOND
from tests.unit.haproxy.test_access_log import line


def test_one_tenant_cannot_crowd_another_out() -> None:
    found = Lines("n1")
    for _ in range(PER_SECOND + 30):
        found.take(line(tenant="taaa"))
    found.take(line(tenant="tbbb"))
    body = found.batch(now=5.0)
    assert body is not None
    assert {tenant: len(rows) for tenant, rows in body["lines"].items()} == {"taaa": PER_SECOND, "tbbb": 1}
    assert body["left_out"] == {"taaa": 30}
    assert (body["node"], body["at"]) == ("n1", 5.0)
    assert "tenant" not in body["lines"]["tbbb"][0]
    assert found.batch(now=6.0) is None


def test_a_batch_has_a_most() -> None:
    found = Lines("n1")
    for tenant in range(30):
        for _ in range(PER_SECOND):
            found.take(line(tenant=f"t{tenant}"))
    body = found.batch(now=0.0)
    assert body is not None
    assert sum(map(len, body["lines"].values())) == lines.MOST
    assert sum(body["left_out"].values()) == 30 * PER_SECOND - lines.MOST


def test_what_haproxy_left_out_is_what_its_count_grew_by() -> None:
    """Over a reload, when it counts anew; what it said first may have been told by a worker before."""
    found = Lines("n1")
    for said in (7, 7, 10, 2):
        found.take(line(tenant="taaa", left_out=said))
    body = found.batch(now=0.0)
    assert body is not None
    assert body["left_out"] == {"taaa": 3 + 2}


def test_what_is_nobodys_is_dropped() -> None:
    found = Lines("n1")
    for sent in (b"", b"Proxy http started.", line(tenant="-"), line(status="x"), b"\x00" * 50):
        found.take(sent)
    assert found.batch(now=0.0) is None
