"""The Runtime API client against a socket that behaves, and some that do not."""

import socket
import time
from pathlib import Path

import pytest

from balancer.edge.errors import NodeUnreachable
from balancer.edge.execute import execute
from balancer.edge.runtime import PAYLOAD_BYTES, Runtime, batches, is_error, with_payload
from balancer.haproxy.commands import SetWeight
from balancer.haproxy.replies import Verdict
from tests.unit.edge.sockets import fake, interactive


def test_each_command_has_its_own_reply(folder: Path) -> None:
    replies = {"one": "first\nsecond", "two": "", "three": "[3]: No such server.\n"}
    with fake(folder / "s", interactive(lambda line: replies[line])) as haproxy:
        assert Runtime(folder / "s").ask_all(["one", "two", "three"]) == ["first\nsecond", "", "[3]: No such server."]
    assert haproxy.heard == ["prompt\nset severity-output number\none\ntwo\nthree\n"]


def test_no_command_opens_no_connection(folder: Path) -> None:
    assert Runtime(folder / "absent").ask_all([]) == []


def test_many_commands_are_several_connections(folder: Path) -> None:
    with fake(folder / "s", interactive(lambda line: line)) as haproxy:
        asked = [f"command {number}" for number in range(1200)]
        assert Runtime(folder / "s").ask_all(asked) == asked
    assert len(haproxy.heard) == 3
    assert [len(batch) for batch in batches(["x" * 40_000] * 3)] == [1, 1, 1]


def test_a_payload_is_cut_where_haproxy_would_drop_it(folder: Path) -> None:
    lines = [f"host{number}.test taaa" for number in range(2000)]
    commands = list(with_payload("add map maps/hosts.map", lines))
    assert len(commands) > 1
    assert all(len(command) <= PAYLOAD_BYTES + 40 for command in commands)
    with fake(folder / "s", interactive(lambda _: "")) as haproxy:
        assert Runtime(folder / "s").ask_all(commands) == [""] * len(commands)
    assert sum(heard.count(" taaa\n") for heard in haproxy.heard) == 2000


@pytest.mark.parametrize("line", ["", "a\nb", "a\rb"])
def test_a_payload_line_cannot_become_a_command(line: str) -> None:
    with pytest.raises(ValueError, match="payload line"):
        list(with_payload("add map m", ["good x", line]))


def test_a_reply_cut_short_is_no_reply(folder: Path) -> None:
    def script(connection: socket.socket, _: str) -> None:
        connection.sendall(b"\n> \n> one\n\n> two\n")

    with fake(folder / "s", script), pytest.raises(NodeUnreachable, match="answered 1 of 2 commands"):
        Runtime(folder / "s").ask_all(["one", "two"])


def test_silence_where_a_payload_was_too_large_is_no_success(folder: Path) -> None:
    def script(connection: socket.socket, _: str) -> None:
        connection.sendall(b"\n> \n> ")

    with fake(folder / "s", script), pytest.raises(NodeUnreachable, match="answered 0 of 1 commands"):
        Runtime(folder / "s").ask("add map m <<\na b\n")


def test_a_wedged_socket_ends_in_time(folder: Path) -> None:
    def script(_: socket.socket, __: str) -> None:
        time.sleep(0.5)

    start = time.monotonic()
    with fake(folder / "s", script), pytest.raises(NodeUnreachable, match="timed out"):
        Runtime(folder / "s", timeout=0.1).ask("show info")
    assert time.monotonic() - start < 2


def test_a_reply_that_trickles_for_ever_ends_in_time(folder: Path) -> None:
    def script(connection: socket.socket, _: str) -> None:
        for _turn in range(20):
            try:
                connection.sendall(b"x")
            except OSError:
                return
            time.sleep(0.03)

    with fake(folder / "s", script), pytest.raises(NodeUnreachable):
        Runtime(folder / "s", timeout=0.15).ask("show info")


def test_nobody_there(folder: Path) -> None:
    with pytest.raises(NodeUnreachable, match="No such file"):
        Runtime(folder / "absent").ask("show info")


def test_severities_up_to_error_are_errors() -> None:
    assert is_error("[3]: No such server.")
    assert not is_error("[6]: New server registered.")
    assert not is_error("1\n# be_id")


def test_a_refusal_is_the_plan_s_own(folder: Path) -> None:
    def reply(line: str) -> str:
        return "[3]: No such server." if "b2" in line else ""

    with fake(folder / "s", interactive(reply)):
        plans = [[SetWeight("t_p", "b1", 1)], [SetWeight("t_p", "b2", 1)], []]
        good, bad, none = execute(Runtime(folder / "s"), plans)
    assert (good.worst, bad.worst, none.worst) == (Verdict.DONE, Verdict.REFUSED, Verdict.DONE)
    assert [(step.text, step.reply) for step in bad.steps] == [("set server t_p/b2 weight 1", "No such server.")]
