"""The master CLI: 2.6 that says nothing, later ones that tell."""

import socket
from pathlib import Path

import pytest

from balancer.edge.errors import CommandRejected, NodeUnreachable, UnexpectedReply
from balancer.edge.master import Master
from tests.fake_socket import Script
from tests.unit.edge.sockets import fake

PROC = """#<PID>          <type>          <reloads>       <uptime>        <version>
14808           master          3 [failed: 1]   0d00h00m04s     2.6.12-1+deb12u4
# workers
14958           worker          1               0d00h00m01s     2.6.12-1+deb12u4
# old workers
14811           worker          3               0d00h00m04s     2.6.12-1+deb12u4
# programs

"""


def says(text: str) -> Script:
    return lambda connection, _: connection.sendall(text.encode())


def test_processes(folder: Path) -> None:
    with fake(folder / "m", says(PROC)):
        found = Master(folder / "m").processes()
    assert (found.reloads, found.failed) == (3, 1)
    assert [one.pid for one in found.workers] == [14958]
    assert [one.pid for one in found.old_workers] == [14811]


def test_2_6_answers_a_reload_with_silence(folder: Path) -> None:
    with fake(folder / "m", says("")) as master:
        Master(folder / "m").reload(timeout=1)
    assert master.heard == ["reload\n"]


def test_later_versions_say_why_not(folder: Path) -> None:
    with (
        fake(folder / "m", says("Success=0\n--\n[ALERT] config : no such thing\n")),
        pytest.raises(CommandRejected) as caught,
    ):
        Master(folder / "m").reload(timeout=1)
    assert caught.value.reply == "[ALERT] config : no such thing"


def test_later_versions_say_yes(folder: Path) -> None:
    with fake(folder / "m", says("Success=1\n--\n[NOTICE] Loading success.\n")):
        Master(folder / "m").reload(timeout=1)


def test_a_reset_after_the_order_is_the_master_replacing_itself(folder: Path) -> None:
    def script(connection: socket.socket, _: str) -> None:
        connection.close()

    with fake(folder / "m", script):
        Master(folder / "m").reload(timeout=1)


def test_while_it_replaces_itself_nobody_is_there(folder: Path) -> None:
    with fake(folder / "m", says("")), pytest.raises(NodeUnreachable, match="no answer"):
        Master(folder / "m").processes()
    with pytest.raises(NodeUnreachable, match="refused"):
        Master(folder / "m").processes()


@pytest.mark.parametrize("size", [1, 60, PROC.index("14958"), PROC.index("# old"), PROC.index("# prog"), len(PROC) - 1])
def test_half_of_the_processes_is_no_answer(folder: Path, size: int) -> None:
    with fake(folder / "m", says(PROC[:size])), pytest.raises(NodeUnreachable, match="cut short"):
        Master(folder / "m").processes()


def test_something_else_than_processes(folder: Path) -> None:
    with fake(folder / "m", says("Unknown command\n\n")), pytest.raises(UnexpectedReply):
        Master(folder / "m").processes()
