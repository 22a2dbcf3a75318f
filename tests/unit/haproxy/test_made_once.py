"""What is made or read once: the same value again, never another's, and gone with its own."""

import gc
import json
from dataclasses import replace
from typing import Any

import pytest

from balancer.haproxy.codec import BadState, from_json, to_json
from balancer.haproxy.desired import Route, Tenant
from balancer.haproxy.made_once import made_once
from balancer.haproxy.render import map_entries

from .build import server, tenant


def test_the_same_value_is_asked_for_once_and_an_equal_one_again() -> None:
    asked: list[Tenant] = []

    @made_once
    def ask(value: Tenant) -> int:
        asked.append(value)
        return len(asked)

    one, other = tenant(server("b1")), tenant(server("b1"))
    assert (ask(one), ask(one), ask(other), ask(one)) == (1, 1, 2, 1)


def test_it_is_gone_with_the_value_and_another_in_its_place_gets_its_own() -> None:
    @made_once
    def weigh(value: Tenant) -> list[int]:
        return [one.weight for one in value.pools[0].servers]

    for weight in range(200):  # freed at once, so that places in memory come again
        assert weigh(tenant(server("b1", weight=weight))) == [weight]
    gc.collect()
    (made,) = (cell.cell_contents for cell in weigh.__closure__ or () if isinstance(cell.cell_contents, dict))
    assert made == {}


def test_map_entries_follow_the_value() -> None:
    one = replace(tenant(), routes=(Route("r1", "a.test", "/", "p1"),))
    assert map_entries(one) is map_entries(one)
    assert map_entries(replace(one, suspended=True)) != map_entries(one)


def two_pools() -> Tenant:
    (first,) = tenant(server("b1")).pools
    return Tenant("ta", (first, replace(first, key="p2")), (Route("r1", "a.test", "/", "p1"),))


def source(state: Tenant) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(to_json(state)))
    return read


def test_what_did_not_change_is_not_read_again() -> None:
    first = from_json(source(two_pools()))
    changed = source(two_pools())
    changed["pools"][1]["servers"][0]["weight"] = 7
    after = from_json(changed, known=(source(first), first))
    assert after == from_json(changed)
    assert after.pools[0] is first.pools[0]
    assert after.routes[0] is first.routes[0]
    assert after.pools[1].servers[0].weight == 7


@pytest.mark.parametrize("value", [True, 1.0])
def test_what_python_takes_for_the_same_is_still_refused(value: object) -> None:
    state = two_pools()
    servers = (server("b1", weight=1),)
    state = replace(state, pools=(replace(state.pools[0], servers=servers), state.pools[1]))
    first = from_json(source(state))
    forged = source(state)
    forged["pools"][0]["servers"][0]["weight"] = value
    with pytest.raises(BadState):
        from_json(forged, known=(source(first), first))
    forged = source(state)
    forged["pools"][0]["health_check"]["rise"] = value
    with pytest.raises(BadState):
        from_json(forged)


def test_of_what_is_known_the_whole_is_looked_at_all_the_same() -> None:
    first = from_json(source(two_pools()))
    less = source(two_pools())
    del less["pools"][0]
    with pytest.raises(BadState, match="no pool of this tenant"):
        from_json(less, known=(source(first), first))
    twice = source(two_pools())
    twice["pools"].append(twice["pools"][0])
    with pytest.raises(BadState):
        from_json(twice, known=(source(first), first))
