"""A tenant that waits for a reload goes on changing: what commands can do is done, and nothing else is looked at."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from balancer.edge import loader, tree
from balancer.edge.confirm import confirm
from balancer.edge.converge import converge, reload
from balancer.edge.look import look_at_all
from balancer.edge.observer import Body
from balancer.edge.report import TenantOutcome
from balancer.edge.runtime import Runtime
from balancer.edge.stats import Reader
from balancer.haproxy.desired import Pool, Route, Tenant
from balancer.haproxy.planner import drift
from balancer.haproxy.render import render_shard
from tests.live.edge.nodes import NO_CHECK, LiveNode, server, tenant
from tests.live.edge.origins import Origin, Origins
from tests.live.edge.test_reload import outcomes


def moved(before: Tenant, draw: random.Random, origins: Sequence[Origin]) -> Tenant:
    """One more change: a route there, gone or to another pool, a server there or gone, a pool there or gone."""
    pools, routes = list(before.pools), {route.key: route for route in before.routes}
    what = draw.choice(["route", "route", "server", "pool"])
    if what == "route":
        key = draw.choice(["r1", "r2", "r3"])
        if not routes.pop(key, None) or draw.random() < 0.5:
            routes[key] = Route(key, f"{key}.test", "/", draw.choice(pools).key)
    elif what == "server":
        at = draw.randrange(len(pools))
        servers = {one.key: one for one in pools[at].servers}
        key = draw.choice(["b1", "b2"])
        if not servers.pop(key, None):
            servers[key] = server(key, draw.choice(origins), weight=draw.randrange(1, 200))
        pools[at] = replace(pools[at], servers=tuple(servers.values()))
    else:
        key = draw.choice(["p2", "p3"])
        used = {route.pool for route in routes.values()}
        there = [pool for pool in pools if pool.key != key]
        if len(there) == len(pools):
            pools.append(Pool(key, servers=(server("b1", draw.choice(origins)),), health_check=NO_CHECK))
        elif key not in used:
            pools = there
    return replace(before, pools=tuple(pools), routes=tuple(routes.values()))


@pytest.mark.parametrize("seed", range(6))
def test_what_is_loaded_and_wanted_runs_before_the_reload_and_all_of_it_after(
    node: LiveNode, origins: Origins, seed: int
) -> None:
    draw = random.Random(seed)
    some = [origins.start("one"), origins.start("two")]
    state = tenant("taaa", server("b1", some[0]), host="r1.test")
    node.tell(state)
    for _ in range(5):
        for _ in range(draw.randrange(2, 7)):
            state = moved(state, draw, some)
            converge(node.node, node.message(state))
            _routes_that_can_are_there(node, state)
        if node.node.reload_due:
            reload(node.node)
        running = look_at_all(node.node.runtime)
        assert drift(state, running, node.node.capabilities) == []


def _routes_that_can_are_there(node: LiveNode, state: Tenant) -> None:
    """Of the pools that run, each route is; and a route that is wanted no more is not."""
    running = look_at_all(node.node.runtime)
    there = running.maps["maps/routes.map"]
    wanted = {f"{route.host}/": f"taaa_{route.pool}" for route in state.routes}
    assert {key: pool for key, pool in wanted.items() if pool in running.pools}.items() <= there.items()
    assert there.keys() <= wanted.keys()


def test_a_route_that_went_and_came_back_while_a_reload_is_due_answers_before_it(
    node: LiveNode, origins: Origins
) -> None:
    one = origins.start("one")
    node.tell(tenant("taaa", server("b1", one)))
    state = tenant("taaa", server("b1", one))
    waiting = replace(state, pools=(*state.pools, Pool("p2", health_check=NO_CHECK)))
    for routes, status in (((), 421), (state.routes, 200)):
        report = converge(node.node, node.message(replace(waiting, routes=routes)))
        assert outcomes(report) == {"taaa": TenantOutcome.RELOAD_DUE}
        assert node.get("taaa.test")[0] == status


def test_a_refused_change_gives_the_routes_back_that_it_took(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.tell(tenant("tbad", server("b1", origins.start("one"))))

    def refuse(tenants: Sequence[Tenant]) -> str:
        return render_shard(tenants) + "".join("    no-such-keyword\n" for each in tenants if each.pools[1:])

    monkeypatch.setattr(tree, "render_shard", refuse)
    wanted = tenant("tbad")
    report = converge(node.node, node.message(replace(wanted, pools=(*wanted.pools, Pool("p2")), routes=())))
    assert outcomes(report) == {"tbad": TenantOutcome.RELOAD_DUE}
    assert node.get("tbad.test")[0] == 421  # commands are as far as they can be
    assert outcomes(reload(node.node)) == {"tbad": TenantOutcome.REFUSED}
    assert node.get("tbad.test") == (200, "one")


def test_another_tenants_reload_looks_at_nothing_of_mine(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)), tenant("tbbb", server("b1", origin)))
    asked: list[str] = []
    ask_all = Runtime.ask_all

    def listening(self: Runtime, commands: Sequence[str]) -> list[str]:
        asked.extend(commands)
        return ask_all(self, commands)

    monkeypatch.setattr(Runtime, "ask_all", listening)
    grown = tenant("tbbb", server("b1", origin))
    grown = replace(grown, pools=(*grown.pools, Pool("p2", health_check=NO_CHECK)))
    converge(node.node, node.message(grown))
    grown = replace(grown, routes=(*grown.routes, Route("r2", "more.test", "/", "p2")))
    converge(node.node, node.message(grown))  # while it waits
    assert outcomes(reload(node.node)) == {"tbbb": TenantOutcome.LIVE}
    assert asked
    assert [command for command in asked if "taaa" in command or command == "show backend"] == []
    assert asked.count("show servers state") == 0  # nothing is to be carried over: nobody is checked or drained


def test_nobody_reads_figures_while_a_reload_is_under_way(
    node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Body] = []
    reader = Reader(node.node, send=said.append, repair=lambda why: None)
    during: list[int] = []

    def confirm_and_read(*arguments: Any) -> None:
        confirm(*arguments)
        reader.turn()
        during.append(len(said))

    monkeypatch.setattr(loader, "confirm", confirm_and_read)
    node.tell(tenant("taaa", server("b1", origins.start("one"))))
    assert during == [0]
    reader.turn()
    assert [set(body["servers"]) for body in said] == [{"taaa/p1/b1"}]


def test_a_command_that_was_refused_is_told_live_by_the_reload(node: LiveNode, origins: Origins) -> None:
    origin = origins.start("one")
    node.tell(tenant("taaa", server("b1", origin)))
    node.node.refused.add("taaa")
    node.node.reload_wanted = True
    assert outcomes(reload(node.node)) == {"taaa": TenantOutcome.LIVE}
    assert node.node.refused == set()
