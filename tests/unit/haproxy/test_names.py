"""Names of backends and their servers: an address keeps its server whatever else the name answers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.haproxy import codec, names
from balancer.haproxy.codec import BadState
from balancer.haproxy.commands import AddServer, RemoveServer, SetAddress
from balancer.haproxy.desired import AdminState, Pool, Server, Tenant
from balancer.haproxy.names import Found, Named
from balancer.haproxy.naming import id_and_moves, is_a_place, is_of_a_name
from balancer.haproxy.planner import Steps, drift, plan_steps
from balancer.haproxy.render.tree import render_shard
from balancer.haproxy.serving import StickyType
from balancer.haproxy.text import Unprintable
from tests.unit.haproxy.build import DEBIAN, apply, running, server, sticky, tenant

ID = "a" * 12
NAMED = server(f"b{ID}", address="", name="app.example.com", port=8080)
IPS = st.lists(st.integers(1, 40).map(lambda n: f"10.0.0.{n}"), max_size=24, unique=True)


def fits(ip: str, port: int) -> bool:
    return True


def resolved(state: Tenant, *places: str, most: int | None = None) -> Tenant:
    return names.resolved(state, {"app.example.com": places}, most=most, fits=fits)


def servers(state: Tenant) -> dict[str, str]:
    return {one.address: one.key for one in state.pools[0].servers}


@given(IPS, IPS)
def test_who_stays_keeps_its_place_and_nobody_is_there_twice(before: list[str], after: list[str]) -> None:
    old = names.settled([], before)
    new = names.settled(old, after)
    assert all(new[at] == ip for at, ip in enumerate(old) if ip in after)
    assert len(new) >= len(old)
    there = [ip for ip in new if ip]
    assert set(there) <= set(after)
    assert len(there) == len(set(there)) == min(len(after), names.MOST)
    assert new == names.settled(old, list(reversed(after))), "in whatever order they come"


def test_a_new_address_takes_the_place_of_one_that_went() -> None:
    assert names.settled(["10.0.0.1", "10.0.0.2", "10.0.0.3"], ["10.0.0.9", "10.0.0.3", "10.0.0.1"]) == [
        "10.0.0.1", "10.0.0.9", "10.0.0.3",
    ]  # fmt: skip
    assert names.settled(["10.0.0.1", "10.0.0.2"], ["10.0.0.2"]) == ["", "10.0.0.2"]
    assert names.settled(["10.0.0.1", "10.0.0.2"], ["10.0.0.1"]) == ["10.0.0.1", ""]


def test_each_address_is_a_server_with_what_its_backend_has() -> None:
    named = replace(NAMED, weight=7, admin=AdminState.DRAIN, backup=True, max_connections=5, check_port=81)
    found = resolved(tenant(server("b1"), named), "10.0.0.5", "", "10.0.0.6").pools[0].servers
    assert [one.address for one in found] == ["10.0.0.1", "10.0.0.5", "10.0.0.6"]
    assert found[1:] == tuple(replace(named, key=one.key, address=one.address, name="") for one in found[1:])
    assert {id_and_moves(one.key)[0] for one in found[1:]} == {ID}
    assert all(is_of_a_name(one.key) for one in found[1:])
    assert codec.from_json(codec.to_json(resolved(tenant(named), "2001:db8::5")))


def test_an_address_keeps_its_server_but_not_under_another_port() -> None:
    one = servers(resolved(tenant(NAMED), "10.0.0.5", "10.0.0.6"))
    assert servers(resolved(tenant(NAMED), "10.0.0.9", "10.0.0.6"))["10.0.0.6"] == one["10.0.0.6"]
    assert servers(resolved(tenant(replace(NAMED, port=81)), "10.0.0.5"))["10.0.0.5"] != one["10.0.0.5"]
    other = servers(resolved(tenant(replace(NAMED, key="b" + "c" * 12)), "10.0.0.5"))
    assert other["10.0.0.5"] != one["10.0.0.5"]


@pytest.mark.parametrize("kind", [StickyType.COOKIE, StickyType.APP_COOKIE])
def test_with_cookies_a_place_keeps_its_server(kind: StickyType) -> None:
    state = tenant(pools=(Pool("p1", servers=(NAMED,), serving=sticky(kind, cookie_name="S")),))
    before = resolved(state, "10.0.0.5", "10.0.0.6")
    after = resolved(state, "10.0.0.5", "10.0.0.9")
    assert [one.key for one in after.pools[0].servers] == [one.key for one in before.pools[0].servers]
    assert all(is_a_place(one.key) for one in after.pools[0].servers)
    steps = plan_steps(before, after, running(before), DEBIAN)
    assert not steps.reload
    assert [type(command) for command in steps.commands] == [SetAddress]
    moved = tenant(pools=(Pool("p1", servers=(replace(NAMED, key=f"b{ID}3"),), serving=sticky(kind, cookie_name="S")),))
    assert not servers(resolved(moved, "10.0.0.5")).items() & servers(before).items()


def test_with_cookies_an_address_that_goes_and_comes_is_no_reload() -> None:
    state = tenant(pools=(Pool("p1", servers=(NAMED,), serving=sticky(StickyType.COOKIE)),))
    both, one = resolved(state, "10.0.0.5", "10.0.0.6"), resolved(state, "", "10.0.0.6")
    other = resolved(state, "10.0.0.7", "10.0.0.6")
    assert [(each.address, each.admin) for each in one.pools[0].servers] == [
        ("10.0.0.6", AdminState.READY), ("10.0.0.6", AdminState.MAINT),
    ]  # fmt: skip
    for before, after in ((both, one), (one, other), (other, both)):
        steps = plan_steps(before, after, running(before), DEBIAN)
        assert not steps.reload
        assert drift(after, apply(running(before), steps.commands), DEBIAN) == []
    assert resolved(state, "", "").pools[0].servers == ()


def test_another_answer_is_commands() -> None:
    before, after = resolved(tenant(NAMED), "10.0.0.5", "10.0.0.6"), resolved(tenant(NAMED), "10.0.0.7", "10.0.0.6")
    steps: Steps = plan_steps(before, after, running(before), DEBIAN)
    assert not steps.reload
    assert {type(command) for command in steps.commands} == {AddServer, RemoveServer}


def test_a_name_without_an_address_has_no_server_and_harms_nobody() -> None:
    state = tenant(server("b1"), NAMED)
    assert names.resolved(state, {}, most=None, fits=fits).pools[0].servers == (server("b1"),)
    assert names.resolved(state, {"app.example.com": ["10.0.0.5"]}, most=None, fits=lambda ip, port: False) == tenant(
        server("b1")
    )


def test_a_plan_leaves_room_for_one_address_of_each_name_and_then_shares_the_rest() -> None:
    some = [Named(letter * 12, 0, f"{letter}.test", 80, by_place=False) for letter in "abc"]
    answers = {"a.test": [f"10.0.0.{n}" for n in range(1, 9)], "b.test": ["10.0.1.1"], "c.test": ["10.0.2.1"] * 1}
    answers["c.test"] = [f"10.0.2.{n}" for n in range(1, 5)]

    def shares(room: int | None) -> list[tuple[int, int]]:
        found: list[Found] = names.allotted(some, answers, room=room, fits=fits)
        return [(len(one.servers), one.left_out) for one in found]

    assert shares(None) == [(8, 0), (1, 0), (4, 0)]
    assert shares(6) == [(3, 5), (1, 0), (2, 2)]
    assert shares(-3) == shares(3) == [(1, 7), (1, 0), (1, 3)]
    literal = tenant(server("b1"), server("b2"), NAMED)
    assert len(resolved(literal, "10.0.0.5", "10.0.0.6", "10.0.0.7", most=4).pools[0].servers) == 4


def test_no_node_takes_a_name() -> None:
    state = tenant(NAMED)
    told = codec.to_json(state)
    assert codec.from_json(told, names=True) == state
    with pytest.raises(BadState, match="a name"):
        codec.from_json(told)
    with pytest.raises(Unprintable):
        render_shard([state])
    both = codec.to_json(tenant(replace(NAMED, address="10.0.0.1")))
    with pytest.raises(BadState, match="name"):
        codec.from_json(both, names=True)


@pytest.mark.parametrize("text", ["a b", "a\nb", "${HOME}", "A.b", "", "-", "a" * 254, "a'b", "%[src]"])
def test_a_name_is_read_strictly(text: str) -> None:
    told = codec.to_json(tenant(NAMED))
    told["pools"][0]["servers"][0]["name"] = text
    with pytest.raises(BadState):
        codec.from_json(told, names=True)


def test_no_connection_to_a_place_is_kept() -> None:
    by_cookie = Pool("p1", servers=(server("b1"), NAMED), serving=sticky(StickyType.COOKIE))
    text = render_shard([resolved(tenant(pools=(by_cookie,)), "10.0.0.5")])
    assert (text.count("pool-max-conn -1"), text.count("pool-max-conn 0")) == (1, 1)
    h2 = replace(by_cookie, serving=replace(by_cookie.serving, h2=True))
    assert "max-reuse 100" in render_shard([resolved(tenant(pools=(h2,)), "10.0.0.5")])
    assert "pool-max-conn 0" not in render_shard([resolved(tenant(NAMED), "10.0.0.5")])


def test_an_unknown_server_of_old_is_no_place() -> None:
    assert not is_a_place(Server("b1", "10.0.0.1", 80).key)
    assert not is_a_place(f"b{ID}12")
