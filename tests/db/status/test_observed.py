"""The merge of what the nodes saw: worst wins, silence is not green."""

import pytest

from balancer.queries.observed import (
    LIVE_SECONDS,
    STALE_SECONDS,
    Fresh,
    NodeStatus,
    Oper,
    PoolRow,
    ServerRow,
    fresh_of,
    merge_pool,
    merge_server,
)


def node(name: str, age: float = 1.0, pid: int = 9) -> NodeStatus:
    return NodeStatus(name, name * 3, "c", "2.6.12", 1000.0 - age, age, 1, "converged", 0, 0, 0, 60, 0, pid)


def row(oper: Oper, *, since: float = 900.0, at: float = 990.0, sessions: int = 2) -> ServerRow:
    return ServerRow(oper, "ready", sessions, 3, 100, 1, "L7OK", 200, 4, oper.value, since, at)


BOTH = {"n1": node("n1"), "n2": node("n2", age=2.0)}


def test_nodes_that_agree_are_believed() -> None:
    merged = merge_server({"n1": row(Oper.UP, since=900), "n2": row(Oper.UP, since=950)}, BOTH, BOTH)
    assert (merged.oper, merged.fresh, merged.since, merged.age) == (Oper.UP, Fresh.LIVE, 950, 2.0)
    assert (merged.sessions, merged.rate, merged.queue) == (4, 6, 2)


@pytest.mark.parametrize("worse", [Oper.DOWN, Oper.STOPPING, Oper.STARTING, Oper.UNKNOWN, Oper.NOCHECK])
def test_nodes_at_odds_show_the_worst_and_each(worse: Oper) -> None:
    merged = merge_server({"n1": row(Oper.UP), "n2": row(worse, since=930)}, BOTH, BOTH)
    assert (merged.oper, merged.since) == (worse, 930)
    assert merged.last_check is not None
    assert merged.last_check.detail == worse.value
    assert [(on.node, on.oper) for on in merged.nodes] == [("n1", Oper.UP), ("n2", worse)]


def test_a_peer_that_has_not_spoken_of_it_is_not_green() -> None:
    merged = merge_server({"n1": row(Oper.UP)}, BOTH, BOTH)
    assert merged.oper is Oper.UNKNOWN
    assert [on.oper for on in merged.nodes] == [Oper.UP, Oper.UNKNOWN]


def test_a_silent_node_no_longer_counts_and_is_named() -> None:
    nodes = {"n1": node("n1"), "n2": node("n2", age=STALE_SECONDS)}
    merged = merge_server({"n1": row(Oper.UP), "n2": row(Oper.DOWN)}, nodes, nodes)
    assert (merged.oper, merged.fresh, merged.sessions) == (Oper.UP, Fresh.LIVE, 2)
    assert merged.nodes[1].oper is Oper.UNKNOWN
    assert merged.nodes[1].fresh is Fresh.OFFLINE


def test_no_node_left_is_unknown_never_green() -> None:
    nodes = {"n1": node("n1", age=16), "n2": node("n2", age=99)}
    merged = merge_server({"n1": row(Oper.UP), "n2": row(Oper.UP)}, nodes, nodes)
    assert (merged.oper, merged.fresh, merged.age, merged.since) == (Oper.UNKNOWN, Fresh.OFFLINE, None, None)
    assert merged.sessions == 0


def test_a_node_whose_haproxy_does_not_answer_is_not_green() -> None:
    nodes = {"n1": node("n1", pid=0)}
    merged = merge_server({"n1": row(Oper.UP)}, nodes, nodes)
    assert (merged.oper, merged.nodes[0].oper, merged.sessions) == (Oper.UNKNOWN, Oper.UNKNOWN, 0)


def test_freshness_is_that_of_the_oldest_node_that_counts() -> None:
    nodes = {"n1": node("n1"), "n2": node("n2", age=7)}
    merged = merge_server({"n1": row(Oper.UP), "n2": row(Oper.UP)}, nodes, nodes)
    assert (merged.fresh, merged.age) == (Fresh.STALE, 7)


@pytest.mark.parametrize(
    ("age", "fresh"),
    [
        (None, Fresh.OFFLINE),
        (0.0, Fresh.LIVE),
        (LIVE_SECONDS - 0.01, Fresh.LIVE),
        (LIVE_SECONDS, Fresh.STALE),
        (STALE_SECONDS - 0.01, Fresh.STALE),
        (STALE_SECONDS, Fresh.OFFLINE),
    ],
)
def test_freshness_by_age(age: float | None, fresh: Fresh) -> None:
    assert fresh_of(age) is fresh


def test_a_pool_counts_its_merged_servers_and_adds_up_its_traffic() -> None:
    up, down = merge_server({"n1": row(Oper.UP)}, BOTH, ()), merge_server({"n1": row(Oper.DOWN)}, BOTH, ())
    rows = {"n1": PoolRow(3, 4, 1, 50, 2, 7, 8, 990.0), "n2": PoolRow(5, 6, 0, 50, 0, 1, 1, 990.0)}
    rows["n9"] = PoolRow(9, 9, 9, 9, 9, 9, 9, 1)
    pool = merge_pool(rows, [up, down], BOTH)
    assert (pool.up, pool.total, pool.down) == (1, 2, 1)
    assert (pool.sessions, pool.rate, pool.requests, pool.errors_5xx) == (8, 10, 100, 2)
