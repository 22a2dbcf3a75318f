"""Rates from counters: whatever restarts, and by the clocks of those who count."""

import pytest

from balancer.live.rates import COUNTED, Rate, Rates, summed
from balancer.queries.observed import NodeStatus, PoolRow

NOON = 1_800_000_000.0


def node(name: str, at: float, *, age: float = 0.0, pid: int = 1) -> NodeStatus:
    return NodeStatus(name, name, "main", "2.6.12", at, age, 1, "converged", 0, 0, 0, 60, 0, pid)


def row(requests: int, at: float, *, errors: int = 0, bytes_in: int = 0, bytes_out: int = 0) -> PoolRow:
    return PoolRow(0, 0, 0, requests, errors, bytes_in, bytes_out, at)


def said(rates: Rates, requests: dict[str, int], at: float) -> Rate | None:
    nodes = [node(name, at) for name in requests]
    return rates.take({"p": {name: row(count, at) for name, count in requests.items()}}, nodes)["p"]


def per_second(rate: Rate | None) -> float:
    assert rate is not None
    return rate.per_second["requests"]


def test_e2_one_reading_is_no_rate() -> None:
    rates = Rates()
    assert said(rates, {"n1": 500}, NOON) is None
    rate = said(rates, {"n1": 510}, NOON + 2)
    assert (per_second(rate), rate and rate.seconds) == (5.0, 2.0)


def test_e2_what_two_nodes_count_is_added_whenever_each_speaks() -> None:
    rates = Rates()
    first = {"p": {"n1": row(0, NOON), "n2": row(100, NOON - 0.7)}}
    rates.take(first, [node("n1", NOON), node("n2", NOON - 0.7)])
    then = {"p": {"n1": row(40, NOON + 4), "n2": row(160, NOON + 5.3)}}
    rate = rates.take(then, [node("n1", NOON + 4), node("n2", NOON + 5.3)])["p"]
    assert per_second(rate) == pytest.approx(10 + 10)


def test_e2_the_window_is_ten_seconds_and_memory_is_bounded() -> None:
    rates = Rates()
    for tick in range(3000):
        rate = said(rates, {"n1": tick if tick < 2800 else 2800 + 10 * (tick - 2800)}, NOON + tick / 10)
    assert per_second(rate) == pytest.approx(100)
    assert rate is not None
    assert 10 <= rate.seconds <= 11
    assert len(rates._seen["p", "n1"]) <= 13


def test_e2_a_counter_that_began_anew_is_no_negative_rate() -> None:
    rates = Rates()
    said(rates, {"n1": 1_000_000}, NOON)
    assert per_second(said(rates, {"n1": 30}, NOON + 10)) == 3.0


def test_e2_no_traffic_is_nought_and_not_the_last_rate() -> None:
    """The row is not written again, but its node goes on speaking."""
    rates = Rates()
    told = {"p": {"n1": row(50, NOON)}}
    rates.take({"p": {"n1": row(0, NOON - 5)}}, [node("n1", NOON - 5)])
    assert per_second(rates.take(told, [node("n1", NOON)])["p"]) == 10
    for seconds in (5, 10, 15):
        rate = rates.take(told, [node("n1", NOON + seconds)])["p"]
    assert per_second(rate) == 0


@pytest.mark.parametrize("silent", [node("n1", NOON, age=20), node("n1", NOON, pid=0)])
def test_e2_who_is_not_heard_has_no_rate(silent: NodeStatus) -> None:
    rates = Rates()
    said(rates, {"n1": 0}, NOON - 5)
    assert rates.take({"p": {"n1": row(50, NOON)}}, [silent]) == {"p": None}
    assert said(rates, {"n1": 60}, NOON + 30) is None, "nor one over the time in which nobody knows"


def test_e2_a_tenants_rate_is_that_of_its_pools_that_are_measured() -> None:
    some = Rate(dict.fromkeys(COUNTED, 2.5), 8.0)
    assert summed([some, None, Rate(dict.fromkeys(COUNTED, 1.0), 3.0)]) == Rate(dict.fromkeys(COUNTED, 3.5), 3.0)
    assert summed([None]) is None
