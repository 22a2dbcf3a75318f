"""HAProxy's answers, as 2.6.12 gave them."""

import pytest

from balancer.haproxy.desired import AdminState
from balancer.haproxy.running import Oper, Running, RunningServer
from balancer.haproxy.show import (
    Process,
    UnexpectedText,
    parse_info,
    parse_map,
    parse_pools,
    parse_proc,
    parse_servers,
    parse_stat,
    with_limits,
)

HEADER = (
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port"
)
STATES = f"""1
{HEADER}
4 ta_p1 1 b1 127.0.0.1 2 0 7 100 2 15 3 4 6 0 0 0 - 18101 - 0 0 - - 0
4 ta_p1 2 b2 2001:db8::1 0 8 50 0 2 1 0 2 6 0 0 0 - 18102 - 0 8080 - - 0
5 ta_p2 1 b3 127.0.0.1 0 5 100 100 2 1 0 0 14 0 0 0 - 18102 - 0 0 - - 0
5 ta_p2 2 b4 127.0.0.1 2 4 100 100 2 1 0 0 14 0 0 0 - 18102 - 0 0 - - 0

"""


def test_servers_are_read_by_the_header() -> None:
    servers = parse_servers(STATES)
    assert servers["ta_p1", "b1"] == RunningServer("127.0.0.1", 18101, 7, AdminState.READY, Oper.UP)
    assert servers["ta_p1", "b2"] == RunningServer("2001:db8::1", 18102, 50, AdminState.DRAIN, Oper.DOWN, 8080)
    assert servers["ta_p2", "b3"].admin is AdminState.MAINT


def test_a_server_that_the_file_disabled_and_someone_enabled_is_ready() -> None:
    assert parse_servers(STATES)["ta_p2", "b4"].admin is AdminState.READY


def test_another_versions_columns_do_not_matter() -> None:
    shuffled = "1\n# srv_name be_name new srv_addr srv_port srv_admin_state srv_uweight srv_op_state\n"
    shuffled += "b1 ta_p1 x ::1 80 0 5 2\n"
    assert parse_servers(shuffled) == {("ta_p1", "b1"): RunningServer("::1", 80, 5, AdminState.READY, Oper.UP)}


@pytest.mark.parametrize("text", ["", "1\n", "No such backend.\n"])
def test_what_is_no_answer_is_not_taken_for_an_empty_node(text: str) -> None:
    with pytest.raises(UnexpectedText):
        parse_servers(text)


def test_limits_come_from_the_statistics() -> None:
    stat = parse_stat("# pxname,svname,slim,weight,\nta_p1,b1,10,7,\nta_p1,b2,,7,\n\n")
    assert stat[0] == {"pxname": "ta_p1", "svname": "b1", "slim": "10", "weight": "7"}
    now = with_limits(Running(parse_servers(STATES)), stat)
    assert now.servers["ta_p1", "b1"].max_connections == 10
    assert now.servers["ta_p1", "b2"].max_connections == 0
    assert now.servers["ta_p2", "b3"].max_connections is None


def test_a_quoted_field_of_the_statistics_is_one_field() -> None:
    assert parse_stat('# pxname,svname,last_chk\na,b,"L7OK, ""fine"""\n')[0]["last_chk"] == 'L7OK, "fine"'


def test_pools_without_servers_are_pools() -> None:
    assert parse_pools("# name\nst_tenant\nta_p1\n\n") == {"st_tenant", "ta_p1"}


def test_of_two_entries_the_first_counts() -> None:
    text = "0x55580dd34b50 *.a.test ta\n0x55580dd34ba0 a.test ta\n0x55580dd34bf0 a.test tb\n\n"
    assert parse_map(text) == {"*.a.test": "ta", "a.test": "ta"}
    assert parse_map("\n") == {}


def test_info_is_names_and_values() -> None:
    info = parse_info("Name: HAProxy\nVersion: 2.6.12-1+deb12u4\nPid: 27030\n\n")
    assert info == {"Name": "HAProxy", "Version": "2.6.12-1+deb12u4", "Pid": "27030"}


PROC = """#<PID>          <type>          <reloads>       <uptime>        <version>
5526            master          2 [failed: 1]   0d00h00m04s     2.6.12-1+deb12u4
# workers
5682            worker          1               0d00h00m02s     2.6.12-1+deb12u4
# old workers
5600            worker          2               0d00h00m03s     2.6.12-1+deb12u4
# programs

"""


def test_the_master_tells_of_a_failed_reload() -> None:
    seen = parse_proc(PROC)
    assert (seen.reloads, seen.failed) == (2, 1)
    assert seen.workers == (Process(5682, 1, "0d00h00m02s", "2.6.12-1+deb12u4"),)
    assert [old.pid for old in seen.old_workers] == [5600]


def test_since_3_1_a_failed_reload_leaves_the_worker_among_the_old() -> None:
    text = (
        "#<PID> <type> <reloads> <uptime> <version>\n10 master 1 [failed: 1] 0d00h00m09s 3.4.0\n# workers\n"
        "# old workers\n11 worker 1 0d00h00m09s 3.4.0\n# programs\n"
    )
    seen = parse_proc(text)
    assert seen.workers == ()
    assert [old.pid for old in seen.old_workers] == [11]


def test_no_master_is_an_error() -> None:
    with pytest.raises(UnexpectedText):
        parse_proc("Unknown command: 'show proc'\n")
