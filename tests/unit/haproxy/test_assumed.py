"""What a node is assumed to run: planning from it is planning from the node."""

import pytest
from hypothesis import HealthCheck, given, settings

from balancer.haproxy.assumed import as_running, sections
from balancer.haproxy.capabilities import Capabilities, parse_version
from balancer.haproxy.desired import Tenant
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


def test_where_nothing_runs_everything_is_new() -> None:
    state = build.rich()
    assert plan_steps(None, state, as_running(None), OLD).reload
    assert sections(state)
    assert sections(Tenant("ta")) == []
