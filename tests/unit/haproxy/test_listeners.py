"""Listeners as values: read strictly, written so that states of before keep their digests, and no text adds a line."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from balancer.haproxy.codec import BadState, digest, from_json, to_json
from balancer.haproxy.desired import CheckType, HealthCheck, Pool, Route, Tenant
from balancer.haproxy.listeners import Listener, ListenerKind, Mode
from balancer.haproxy.plan_listeners import plan_listeners
from balancer.haproxy.render import map_entries, render_tree
from balancer.haproxy.running import ADMITTED, NAMES, PORTS, Running
from balancer.haproxy.text import Unprintable

from .build import HOSTILE, SETTINGS

LINES = Pool("p1", mode=Mode.TCP, health_check=HealthCheck(type=CheckType.TCP))
PORT = Listener("l1", ListenerKind.TCP, "p1", port=20001, allowed=("203.0.113.0/24",))
NAME = Listener("l2", ListenerKind.TLS_PASSTHROUGH, "p1", host="a.test")
STATE = Tenant("taaa", (LINES, Pool("p2")), (Route("r1", "b.test", "/", "p2"),), listeners=(PORT, NAME))
NODE = replace(SETTINGS, passthrough_bind="127.0.0.1:8445")


def test_they_are_read_as_they_were_written() -> None:
    full = replace(PORT, max_connections=7, proxy_protocol=True, idle_ms=5000)
    for state in (STATE, replace(STATE, listeners=(full, NAME))):
        assert from_json(to_json(state)) == state


def test_a_state_without_any_says_nothing_of_them() -> None:
    plain = Tenant("taaa", (Pool("p2"),), (Route("r1", "b.test", "/", "p2"),))
    assert "listeners" not in to_json(plain)
    assert "mode" not in to_json(plain)["pools"][0]
    assert digest(plain) != digest(STATE)


def _broken(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    state = to_json(STATE)
    change(state)
    return state


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("listeners[0].port", lambda s: s["listeners"][0].update(port=80)),
        ("listeners[0].port", lambda s: s["listeners"][0].update(port="20001 ssl")),
        ("listeners[0].pool", lambda s: s["listeners"][0].update(pool="p2")),
        ("listeners[0].host", lambda s: s["listeners"][0].update(host="a.test")),
        ("listeners[1].host", lambda s: s["listeners"][1].update(host="a.test\n bind *:1")),
        ("listeners[1]", lambda s: s["listeners"].append({**s["listeners"][0], "key": "l3"})),
        ("listeners[0].allowed[0]", lambda s: s["listeners"][0].update(allowed=["all"])),
        ("listeners[0].idle_ms", lambda s: s["listeners"][0].update(idle_ms=5)),
        ("routes[0].pool", lambda s: s["routes"][0].update(pool="p1")),
        ("pools[0].health_check.type", lambda s: s["pools"][0]["health_check"].update(type="http")),
        ("pools[0].algorithm", lambda s: s["pools"][0].update(algorithm="uri_hash")),
    ],
)
def test_a_node_takes_nothing_else(field: str, change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(BadState) as refused:
        from_json(_broken(change))
    assert refused.value.field.startswith(field.removesuffix("[1]"))


def _count(state: Tenant) -> int:
    return sum(len(text.splitlines()) for text in render_tree([state], NODE).values())


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_adds_a_line(text: str) -> None:
    usual = _count(STATE)
    for hostile in (text, f"a.test{text}"):
        for listener in (replace(NAME, host=hostile), replace(PORT, allowed=(hostile,)), replace(NAME, pool=hostile)):
            try:
                assert _count(replace(STATE, listeners=(PORT, NAME, replace(listener, key="l9", port=0)))) <= usual + 1
            except (Unprintable, ValueError):
                continue


def test_where_they_lead_and_who_may_come_is_in_maps() -> None:
    maps = map_entries(STATE)
    assert maps[PORTS] == {"taaa_l20001": "taaa_p1/listed"}
    assert maps[NAMES] == {"a.test": "taaa_p1"}
    assert maps[ADMITTED] == {"taaa_l20001/00000000000000000000FFFFCB0071": "taaa"}
    suspended = map_entries(replace(STATE, suspended=True))
    assert [suspended[path] for path in (PORTS, NAMES, ADMITTED)] == [{}, {}, {}]


def test_a_reload_is_due_for_ports_and_what_they_say_alone() -> None:
    runs = Running(frontends=frozenset({"taaa_l20001"}))
    other = replace(STATE, listeners=(replace(PORT, allowed=(), pool="p1"), replace(NAME, host="*.c.test")))
    assert plan_listeners("taaa", STATE, other, runs) == []
    assert plan_listeners("taaa", None, STATE, Running()) == ["port 20001 is to be opened"]
    assert plan_listeners("taaa", STATE, replace(STATE, listeners=()), runs) == ["port 20001 is to be closed"]
    assert plan_listeners("taaa", STATE, replace(STATE, suspended=True), runs) == ["port 20001 is to be closed"]
    busier = replace(STATE, listeners=(replace(PORT, max_connections=9),))
    assert plan_listeners("taaa", STATE, busier, runs) == ["port 20001 listens otherwise"]
