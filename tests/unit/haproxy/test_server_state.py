"""What a reload remembers about servers."""

import pytest

from balancer.haproxy.desired import AdminState
from balancer.haproxy.server_state import carry_states, wanted
from balancer.haproxy.show import UnexpectedText, parse_servers

from .build import server, tenant

SHOWN = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_port srv_check_port
4 ta_p1 1 b1 10.0.0.1 0 0 7 100 80 0
4 ta_p1 2 b2 10.0.0.2 2 0 7 100 80 0
4 ta_gone 1 b1 10.0.0.1 2 0 7 100 80 0

"""


def test_what_checks_found_is_kept_and_what_a_person_decided_is_new() -> None:
    text = carry_states(SHOWN, wanted([tenant(server("b1", weight=9, admin=AdminState.DRAIN, check_port=81))]))
    assert text.splitlines()[2:] == ["4 ta_p1 1 b1 10.0.0.1 0 8 9 0 80 81"]
    assert text.endswith("\n")


def test_a_server_that_moved_starts_anew() -> None:
    # HAProxy would keep the old port (haproxy.md 1.2).
    for moved in (server("b1", port=81), server("b1", address="10.0.0.7")):
        assert parse_servers(carry_states(SHOWN, wanted([tenant(moved)]))) == {}


def test_a_server_in_maint_is_disabled_in_both_files() -> None:
    text = carry_states(SHOWN, wanted([tenant(server("b2", address="10.0.0.2", admin=AdminState.MAINT))]))
    assert text.splitlines()[2:] == ["4 ta_p1 2 b2 10.0.0.2 2 5 100 100 80 0"]


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(UnexpectedText):
        carry_states("", wanted([tenant()]))
