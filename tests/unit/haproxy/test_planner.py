"""What runs is compared with what is wanted, and what is missing is said."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.haproxy.capabilities import parse_version
from balancer.haproxy.commands import (
    AddMap,
    AddServer,
    DelMap,
    RemoveServer,
    SetAddress,
    SetAdmin,
    SetCheckPort,
    SetMap,
    SetMaxConn,
    SetWeight,
)
from balancer.haproxy.desired import AdminState, Algorithm, HealthCheck, Pool, Route, Server, Tenant, Timeouts
from balancer.haproxy.planner import Steps, drift, plan_repair, plan_steps
from balancer.haproxy.protection import ClientRules, ContentTypeOptions, SecurityHeaders
from balancer.haproxy.running import ALLOWED, CLIENTS, HEADERS, HOSTS, LIMITS, PROXIES, ROUTES, TENANTS, Oper

from .build import DEBIAN, apply, reloaded, running, server, tenant, tenants, with_pool


def plan(old: Tenant | None, new: Tenant | None) -> Steps:
    return plan_steps(old, new, running(old), DEBIAN)


def test_nothing_is_missing_where_everything_is_as_it_should_be() -> None:
    assert not plan(tenant(), tenant())


@pytest.mark.parametrize(
    ("change", "command"),
    [
        ({"weight": 7}, SetWeight("ta_p1", "b1", 7)),
        ({"admin": AdminState.DRAIN}, SetAdmin("ta_p1", "b1", AdminState.DRAIN)),
        ({"admin": AdminState.MAINT}, SetAdmin("ta_p1", "b1", AdminState.MAINT)),
        ({"address": "10.0.0.9"}, SetAddress("ta_p1", "b1", "10.0.0.9", 80)),
        ({"port": 81}, SetAddress("ta_p1", "b1", "10.0.0.1", 81)),
        ({"max_connections": 9}, SetMaxConn("ta_p1", "b1", 9)),
        ({"check_port": 81}, SetCheckPort("ta_p1", "b1", 81)),
    ],
)
def test_what_changes_on_a_server_is_a_command(change: dict[str, object], command: object) -> None:
    assert plan(tenant(), tenant(server(**change))) == Steps(commands=(command,))  # type: ignore[arg-type]


def test_a_limit_nobody_looked_at_is_compared_with_what_was_deployed() -> None:
    old, new = tenant(), tenant(server(max_connections=9))
    now = running(old)
    blind = replace(now, servers={at: replace(each, max_connections=None) for at, each in now.servers.items()})
    assert plan_steps(old, new, blind, DEBIAN) == Steps((SetMaxConn("ta_p1", "b1", 9),))
    assert not plan_steps(new, new, blind, DEBIAN)


def test_two_spellings_of_an_address_are_one() -> None:
    old = tenant(server(address="2001:db8:0::1"))
    assert not plan_steps(old, old, running(tenant(server(address="2001:db8::1"))), DEBIAN)


def test_servers_come_and_go_without_a_reload() -> None:
    old, new = tenant(server("b1"), server("b2")), tenant(server("b1"), server("b3"))
    steps = plan(old, new)
    assert steps.commands == (AddServer("ta_p1", server("b3"), HealthCheck()), RemoveServer("ta_p1", "b2"))
    assert steps.reload == ()


def test_a_server_is_believed_at_once_only_where_no_other_answers() -> None:
    new = tenant(server("b1"), server("b2"))
    now = running(tenant(server("b1")))
    down = replace(now, servers={at: replace(each, oper=Oper.DOWN) for at, each in now.servers.items()})
    for seen, at_once in ((now, False), (down, True), (running(with_pool(tenant(), servers=())), True)):
        (added, *_) = plan_steps(tenant(), new, seen, DEBIAN).commands
        assert isinstance(added, AddServer)
        assert added.at_once is at_once


def test_a_wait_is_only_asked_of_those_who_know_it() -> None:
    old, new = tenant(server("b1"), server("b2")), tenant(server("b1"))
    assert plan(old, new).commands == (RemoveServer("ta_p1", "b2", wait=False),)
    newer = plan_steps(old, new, running(old), parse_version("3.0.5"))
    assert newer.commands == (RemoveServer("ta_p1", "b2", wait=True),)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"algorithm": Algorithm.IP_HASH}, "pool p1 has another algorithm"),
        ({"health_check": HealthCheck(path="/up")}, "pool p1 has another health check"),
        ({"timeouts": Timeouts(server_ms=1)}, "pool p1 has other timeouts"),
        ({"retries": 0}, "pool p1 has another number of retries"),
        ({"servers": (server(backup=True),)}, "server b1 became a backup"),
    ],
)
def test_what_only_a_file_can_say_is_a_reload(change: dict[str, object], why: str) -> None:
    assert plan(tenant(), with_pool(tenant(), **change)) == Steps(reload=(why,))


def test_a_new_pool_is_a_reload_and_its_routes_come_with_it() -> None:
    new = replace(
        tenant(server(weight=7)),
        pools=(*tenant(server(weight=7)).pools, Pool("p2")),
        routes=(Route("r1", "a.test", "/", "p2"), Route("r2", "b.test", "/", "p2"), Route("r3", "c.test", "/", "p1")),
    )
    steps = plan(tenant(), new)
    assert steps.reload == ("pool p2 is new",)
    # What does not need the reload does not wait for it; a.test keeps its pool until then.
    assert steps.commands == (
        SetWeight("ta_p1", "b1", 7),
        AddMap(HOSTS, "c.test", "ta"),
        AddMap(ROUTES, "c.test/", "ta_p1"),
    )


def test_a_pool_from_before_is_not_trusted_to_be_the_new_one() -> None:
    assert plan_steps(Tenant("ta"), tenant(), running(tenant()), DEBIAN).reload == ("pool p1 is new",)


def test_hosts_paths_limits_and_suspension_are_map_entries() -> None:
    routes = (Route("r1", "*.a.test", "/api", "p1"),)
    steps = plan(tenant(rps=5), tenant(routes=routes, rps=9, suspended=True))
    assert steps.reload == ()
    assert set(steps.commands) == {
        AddMap(HOSTS, "*.a.test", "ta"),
        DelMap(HOSTS, "a.test"),
        AddMap(ROUTES, "*.a.test/api/", "ta_p1"),
        DelMap(ROUTES, "a.test/"),
        SetMap(LIMITS, "ta", "9/9"),
        AddMap(TENANTS, "ta", "suspended"),
    }


def test_rules_for_clients_and_headers_are_map_entries() -> None:
    old = tenant(clients=ClientRules(5, 5, 429, allowed=("10.0.0.0/8",)))
    nosniff = SecurityHeaders(content_type_options=ContentTypeOptions.NOSNIFF)
    new = tenant(clients=ClientRules(6, 5, 403, ("192.0.2.0/24",), ("10.0.0.0/8",)), headers=nosniff)
    steps = plan(old, new)
    assert steps.reload == ()
    v4 = "ta/00000000000000000000FFFF"
    assert set(steps.commands) == {
        SetMap(CLIENTS, "ta", "6/5/403"),
        AddMap(ALLOWED, f"{v4}C00002", "ta"),
        DelMap(ALLOWED, f"{v4}0A"),
        AddMap(PROXIES, f"{v4}0A", "ta"),
        AddMap(HEADERS, "ta", "-|nosniff|-|-|-"),
    }


def test_nobody_is_limited_before_it_is_known_who_is_not() -> None:
    new = tenant(clients=ClientRules(5, 5, 429, ("10.0.0.0/9",)))
    there, gone = ([command.map for command in plan(*way).commands] for way in ((tenant(), new), (new, tenant())))  # type: ignore[attr-defined]
    assert there == [ALLOWED] * 8 + [CLIENTS]
    assert gone == [CLIENTS] + [ALLOWED] * 8


def test_what_is_added_comes_before_what_is_taken_away() -> None:
    old = tenant(server("b1"), server("b2"))
    new = tenant(server("b2"), server("b3"), routes=(Route("r", "b.test", "/", "p1"),))
    kinds = [type(command) for command in plan(old, new).commands]
    assert kinds.index(AddServer) < kinds.index(RemoveServer)
    assert kinds.index(AddMap) < kinds.index(DelMap)


def test_a_removed_pool_needs_no_reload() -> None:
    old = replace(tenant(), pools=(*tenant().pools, Pool("p2", servers=(server("b2"),))))
    assert plan(old, tenant()) == Steps((SetAdmin("ta_p2", "b2", AdminState.MAINT),))


def test_a_removed_pool_serves_until_the_one_that_replaces_it_runs() -> None:
    new = Tenant("ta", (Pool("p2", servers=(server("b2"),)),), (Route("r1", "a.test", "/", "p2"),))
    assert plan(tenant(), new) == Steps(reload=("pool p2 is new",))


def test_a_tenant_that_leaves_is_taken_off_the_maps() -> None:
    old = tenant(rps=5, suspended=True)
    steps = plan(old, None)
    assert steps.reload == ()
    assert set(steps.commands) == {
        DelMap(HOSTS, "a.test"),
        DelMap(ROUTES, "a.test/"),
        DelMap(TENANTS, "ta"),
        DelMap(LIMITS, "ta"),
        SetAdmin("ta_p1", "b1", AdminState.MAINT),
    }


def test_another_tenants_servers_and_entries_are_left_alone() -> None:
    other = tenant(server("b9"), key="tb", routes=(Route("r", "z.test", "/", "p1"),), rps=3)
    assert plan_steps(tenant(), None, running(tenant(), other), DEBIAN) == plan(tenant(), None)


def test_a_host_that_another_tenant_has_now_is_not_deleted() -> None:
    now = running(tenant(), tenant(key="tb"))
    assert now.maps[HOSTS] == {"a.test": "tb"}
    steps = plan_steps(tenant(), replace(tenant(), routes=()), now, DEBIAN)
    assert steps.commands == ()


def test_drift_is_said_in_words() -> None:
    now = running(tenant(server(weight=3)))
    assert drift(tenant(), now, DEBIAN) == ["should be: ta_p1/b1: weight 100"]
    assert plan_repair(tenant(), now, DEBIAN).commands == (SetWeight("ta_p1", "b1", 100),)


def test_a_plan_is_of_some_tenant() -> None:
    with pytest.raises(ValueError, match="neither"):
        plan_steps(None, None, running(), DEBIAN)


@given(tenants(), st.none() | tenants())
def test_asked_again_after_its_steps_it_has_none(old: Tenant, new: Tenant | None) -> None:
    before = running(old, tenant(key="tz", routes=()))
    steps = plan_steps(old, new, before, DEBIAN)
    after = apply(before, steps.commands)
    again = plan_steps(old, new, after, DEBIAN)
    assert again.commands == ()
    assert again.reload == steps.reload
    if not steps.reload:
        assert not plan_steps(new or old, new, after, DEBIAN)


@given(tenants())
def test_after_a_reload_only_drains_are_missing(state: Tenant) -> None:
    fresh = reloaded(state)
    steps = plan_steps(state, state, fresh, DEBIAN)
    assert steps.reload == ()
    drained = {each.key for pool in state.pools for each in pool.servers if each.admin is AdminState.DRAIN}
    assert {command.server for command in steps.commands if isinstance(command, SetAdmin | SetWeight)} == drained
    assert apply(fresh, steps.commands) == running(state)


@given(tenants(), tenants())
def test_no_route_ever_leads_to_a_pool_that_does_not_run(old: Tenant, new: Tenant) -> None:
    before = running(old)
    after = apply(before, plan_steps(old, new, before, DEBIAN).commands)
    assert set(after.maps[ROUTES].values()) <= after.pools


@given(tenants(), tenants())
def test_without_a_reload_the_commands_alone_arrive(old: Tenant, new: Tenant) -> None:
    before = running(old)
    steps = plan_steps(old, new, before, DEBIAN)
    if steps.reload:
        return
    after = apply(before, steps.commands)
    wanted = running(new)
    assert after.maps == wanted.maps
    shown = {at: replace(each, oper=Oper.UP) for at, each in after.servers.items() if at[0] in wanted.pools}
    assert shown == dict(wanted.servers)


def test_the_work_grows_with_the_servers_and_not_faster() -> None:
    def asked(pools: int) -> int:
        state = Tenant(
            "ta", tuple(Pool(f"p{number}", servers=(Server("b1", "10.0.0.1", 80),)) for number in range(pools))
        )
        counted = _Counting(running(state).servers)
        plan_steps(state, state, replace(running(state), servers=counted), DEBIAN)
        return counted.looks

    assert asked(100) <= 12 * asked(10)


class _Counting(dict):  # type: ignore[type-arg]
    looks = 0

    def get(self, key: object, default: object = None) -> object:
        self.looks += 1
        return super().get(key, default)
