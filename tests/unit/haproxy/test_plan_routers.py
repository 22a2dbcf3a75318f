"""A router's lines come with a reload; where its routes lead to does not wait for one."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.haproxy.commands import AddMap, DelMap, SetMap
from balancer.haproxy.desired import Pool, Route, Tenant
from balancer.haproxy.planner import Steps, plan_steps
from balancer.haproxy.render import map_entries
from balancer.haproxy.routing import Act, Action, Cache, Condition, Handling, Match, On, Op, PathMatch, Share
from balancer.haproxy.running import HOSTS, LEADS, PURGES, ROUTES, Running
from balancer.haproxy.sites import DRAWS, is_router, routed_sites, router_name

from .build import DEBIAN, apply, running, server

ROUTER = router_name("ta", "a.test")
POOLS = tuple(Pool(f"p{number}", servers=(server(f"b{number}"),)) for number in (1, 2))
BETA = Match(conditions=(Condition(On.HEADER, Op.EQUALS, "X-Beta", "1"),))
PLAIN = Route("r1", "a.test", "/", "p1")


def tenant(*routes: Route) -> Tenant:
    return Tenant("ta", POOLS, routes)


def runs(state: Tenant | None) -> Running:
    """With the routers that it has read."""
    now = running(state)
    routers = {router_name(state.key, site.host) for site in routed_sites(state)} if state else set()
    return replace(now, pools=now.pools | routers)


def plan(old: Tenant | None, new: Tenant | None) -> Steps:
    return plan_steps(old, new, runs(old), DEBIAN)


def weighted(*weights: int) -> Route:
    shares = tuple(Share(pool.key, weight) for pool, weight in zip(POOLS, weights, strict=True))
    return Route("r2", "a.test", "/", "", action=Action(Act.WEIGHTED, shares))


def test_nothing_is_missing_where_a_router_runs_as_it_should() -> None:
    state = tenant(PLAIN, replace(PLAIN, key="r2", match=BETA))
    assert not plan(state, state)


def test_a_host_that_becomes_more_keeps_its_entries_until_the_reload() -> None:
    new = tenant(PLAIN, replace(PLAIN, key="r2", match=BETA, pool="p2"))
    steps = plan(tenant(PLAIN), new)
    assert steps.reload == ("the rules of a.test are new",)
    after = apply(runs(tenant(PLAIN)), steps.commands)
    assert (after.maps[HOSTS], after.maps[ROUTES]) == ({"a.test": "ta"}, {"a.test/": "ta_p1"})


def test_a_host_that_becomes_plain_needs_no_reload() -> None:
    old = tenant(PLAIN, replace(PLAIN, key="r2", match=BETA))
    steps = plan(old, tenant(PLAIN))
    assert steps.reload == ()
    assert SetMap(ROUTES, "a.test/", "ta_p1") in steps.commands
    assert set(steps.commands) >= {DelMap(LEADS, "ta_r1/"), DelMap(LEADS, "ta_r2/")}


def test_another_pool_of_a_routers_route_is_a_command() -> None:
    old, new = (tenant(replace(PLAIN, match=BETA, pool=pool)) for pool in ("p1", "p2"))
    assert plan(old, new) == Steps(commands=(SetMap(LEADS, "ta_r1/", "ta_p2"),))


def test_other_weights_are_commands_and_as_many_as_draws_change() -> None:
    steps = plan(tenant(weighted(95, 5)), tenant(weighted(90, 10)))
    assert steps.reload == ()
    assert steps.commands == tuple(SetMap(LEADS, f"ta_r2/{draw}", "ta_p2") for draw in range(90, 95))


@pytest.mark.parametrize(
    "changed",
    [
        {"match": Match(conditions=(Condition(On.HEADER, Op.EQUALS, "X-Beta", "2"),))},
        {"match": replace(BETA, path=PathMatch.EXACT)},
        {"priority": 1},
        {"handling": Handling(compression=True)},
        {"handling": Handling(cache=Cache(60))},
        {"action": Action(Act.REDIRECT, url="/x"), "pool": ""},
        {"path_prefix": "/x"},
    ],
)
def test_what_a_router_says_in_lines_is_a_reload(changed: dict[str, object]) -> None:
    beta = replace(PLAIN, match=BETA)
    other = Route("r9", "a.test", "/other", "p2")
    steps = plan(tenant(beta, other), tenant(replace(beta, **changed), other))  # type: ignore[arg-type]
    assert steps.reload == ("a.test has other rules",)


def test_a_route_that_goes_leads_on_until_the_reload() -> None:
    beta, other = replace(PLAIN, match=BETA), replace(PLAIN, key="r2", pool="p2")
    steps = plan(tenant(beta, other), tenant(beta))
    assert steps == Steps(reload=("a.test has other rules",))  # the old lines still look r2 up


def test_another_host_does_not_wait_for_the_router() -> None:
    new = tenant(replace(PLAIN, match=BETA), Route("r3", "b.test", "/", "p2"))
    steps = plan(tenant(PLAIN), new)
    assert steps.reload == ("the rules of a.test are new",)
    assert {AddMap(HOSTS, "b.test", "ta"), AddMap(ROUTES, "b.test/", "ta_p2")} <= set(steps.commands)


def test_a_router_that_haproxy_has_not_read_is_new_to_it() -> None:
    state = tenant(replace(PLAIN, match=BETA))
    assert plan_steps(state, state, running(state), DEBIAN).reload == ("the rules of a.test are new",)


ROUTES_DRAWN = st.lists(
    st.builds(
        Route,
        key=st.sampled_from(["r1", "r2", "r3"]),
        host=st.sampled_from(["a.test", "*.a.test"]),
        path_prefix=st.sampled_from(["/", "/api"]),
        pool=st.sampled_from(["p1", "p2"]),
        priority=st.integers(0, 1),
        match=st.sampled_from([Match(), BETA]),
    ),
    max_size=3,
    unique_by=lambda route: route.key,
).map(lambda routes: tenant(*routes))


@given(ROUTES_DRAWN, ROUTES_DRAWN)
def test_commands_never_lead_to_what_does_not_run_and_a_reload_arrives(old: Tenant, new: Tenant) -> None:
    now = runs(old)
    steps = plan_steps(old, new, now, DEBIAN)
    after = apply(now, steps.commands)
    assert {*after.maps[ROUTES].values(), *after.maps[LEADS].values()} <= after.pools
    if steps.reload and any(is_router(proxy) for proxy in after.maps[ROUTES].values()):
        assert map_entries(old)[LEADS].keys() <= after.maps[LEADS].keys()  # the old lines look all of them up
    if not steps.reload:
        assert {path: after.maps[path] for path in (HOSTS, ROUTES, LEADS)} == {
            path: map_entries(new)[path] for path in (HOSTS, ROUTES, LEADS)
        }
    assert not plan_steps(new, new, runs(new), DEBIAN)


def test_every_draw_leads_somewhere() -> None:
    state = tenant(weighted(1, 0))
    assert map_entries(state)[LEADS] == {f"ta_r2/{draw}": "ta_p1" for draw in range(DRAWS)}


def kept(mark: int, **values: Any) -> Tenant:
    return tenant(replace(PLAIN, handling=Handling(cache=Cache(60, purged=mark)), **values))


def test_a_purge_is_a_command_and_its_mark_only_rises() -> None:
    assert plan(kept(0), kept(5)) == Steps(commands=(AddMap(PURGES, "ta_r1", "5"),))
    assert plan(kept(5), kept(6)) == Steps(commands=(SetMap(PURGES, "ta_r1", "6"),))
    for earlier in (kept(5), kept(0), tenant(PLAIN)):
        after = apply(runs(kept(6)), plan(kept(6), earlier).commands)
        assert after.maps[PURGES] == {"ta_r1": "6"}
    assert not plan_steps(kept(5), kept(5), replace(runs(kept(5)), maps=runs(kept(6)).maps), DEBIAN)
    assert plan(kept(5), kept(5, match=BETA)).reload == ("a.test has other rules",)
