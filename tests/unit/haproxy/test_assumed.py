"""What a node is assumed to run: planning from it is planning from the node."""

import pytest
from hypothesis import HealthCheck, given, settings

from balancer.haproxy.assumed import as_running, sections
from balancer.haproxy.capabilities import Capabilities, parse_version
from balancer.haproxy.desired import Pool, Tenant
from balancer.haproxy.listeners import Listener, ListenerKind, Mode
from balancer.haproxy.planner import plan_repair, plan_steps
from tests.unit.haproxy import build

OLD, NEW = parse_version("2.6.12-1+deb12u4"), parse_version("3.0.5")


@settings(suppress_health_check=[HealthCheck.too_slow])  # a tenant is large, and a machine may be busy
@given(state=build.tenants())
def test_a_state_that_runs_needs_nothing(state: Tenant) -> None:
    assert not plan_repair(state, as_running(state), OLD)


@pytest.mark.parametrize("capabilities", [OLD, NEW], ids=str)
def test_one_with_everything_needs_nothing(capabilities: Capabilities) -> None:
    state = build.rich()
    assert not plan_repair(state, as_running(state), capabilities)


def test_a_port_that_listens_needs_no_reload_for_the_next_change() -> None:
    """It was told as still to be opened, so that the impact line said "reload" to everybody with a listener."""
    state = Tenant("ta", (Pool("p1", mode=Mode.TCP),), listeners=(Listener("l1", ListenerKind.TCP, "p1", port=20001),))
    assert not plan_repair(state, as_running(state), OLD)


def test_where_nothing_runs_everything_is_new() -> None:
    state = build.rich()
    assert plan_steps(None, state, as_running(None), OLD).reload
    assert sections(state)
    assert sections(Tenant("ta")) == []
