"""Commands write themselves as HAProxy reads them, and replies are read as HAProxy 2.6.12 gave them."""

import pytest

from balancer.haproxy.commands import (
    AddMap,
    AddServer,
    Command,
    DelMap,
    RemoveServer,
    SetAddress,
    SetAdmin,
    SetCheckPort,
    SetMap,
    SetMaxConn,
    SetWeight,
)
from balancer.haproxy.desired import AdminState, CheckType, HealthCheck
from balancer.haproxy.replies import Verdict, judge
from balancer.haproxy.text import Unprintable

from .build import HOSTILE, server

POOL = "pool-max-conn -1 pool-purge-delay 5000ms"


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (SetWeight("ta_p1", "b1", 7), "set server ta_p1/b1 weight 7"),
        (SetAdmin("ta_p1", "b1", AdminState.DRAIN), "set server ta_p1/b1 state drain"),
        (SetAddress("ta_p1", "b1", "::1", 81), "set server ta_p1/b1 addr ::1 port 81"),
        (SetMaxConn("ta_p1", "b1", 0), "set maxconn server ta_p1/b1 0"),
        (SetCheckPort("ta_p1", "b1", 81), "set server ta_p1/b1 check-port 81"),
        (AddMap("maps/routes.map", "a.test/a;b/", "ta_p1"), "add map maps/routes.map a.test/a\\;b/ ta_p1"),
        (SetMap("maps/limits.map", "ta", "5"), "set map maps/limits.map ta 5"),
        (DelMap("maps/hosts.map", "a.test"), "del map maps/hosts.map a.test"),
    ],
)
def test_one_wish_is_one_line(command: Command, line: str) -> None:
    assert command.lines() == (line,)
    assert command.words()


def test_a_checked_server_gets_nothing_before_it_answered() -> None:
    assert AddServer("ta_p1", server(weight=9), HealthCheck()).lines() == (
        f"add server ta_p1/b1 10.0.0.1:80 weight 0 check inter 5000ms rise 2 fall 3 {POOL}",
        "enable health ta_p1/b1",
        "set server ta_p1/b1 state ready",
        "set server ta_p1/b1 health down",
        "set server ta_p1/b1 weight 9",
    )


def test_a_server_without_checks_is_simply_made_ready() -> None:
    assert AddServer("ta_p1", server(address="::1"), HealthCheck(type=CheckType.NONE)).lines() == (
        f"add server ta_p1/b1 [::1]:80 weight 0 {POOL}",
        "set server ta_p1/b1 state ready",
        "set server ta_p1/b1 weight 100",
    )


def test_a_server_added_in_maint_stays_there() -> None:
    lines = AddServer("ta_p1", server(admin=AdminState.MAINT), HealthCheck()).lines()
    assert not any("state ready" in line for line in lines)


def test_the_first_server_of_a_pool_answers_at_once() -> None:
    lines = AddServer("ta_p1", server(), HealthCheck(), at_once=True).lines()
    assert "set server ta_p1/b1 health down" not in lines


def test_a_removed_server_gets_nothing_even_when_it_cannot_be_deleted() -> None:
    assert RemoveServer("ta_p1", "b1").lines() == ("set server ta_p1/b1 state maint", "del server ta_p1/b1")
    assert "wait 100ms srv-removable ta_p1/b1" in RemoveServer("ta_p1", "b1", wait=True).lines()


@pytest.mark.parametrize("bad", HOSTILE)
def test_no_text_makes_a_second_command(bad: str) -> None:
    wishes: list[Command] = [
        SetWeight(bad, "b1", 1),
        SetWeight("ta_p1", f"b1{bad}", 1),
        SetAddress("ta_p1", "b1", bad, 1),
        AddServer("ta_p1", server(address=f"10.0.0.1{bad}"), HealthCheck()),
        AddMap("maps/hosts.map", f"a{bad}", "ta"),
        SetMap("maps/hosts.map", "a", f"t{bad}a"),
        DelMap("maps/hosts.map", f"a{bad}"),
    ]
    for wish in wishes:
        try:
            lines = wish.lines()
        except Unprintable:
            continue
        assert all(line.isprintable() for line in lines)
        assert ";" not in "".join(lines).replace("\\;", "")


MEASURED = [
    ("set server a/b weight 7", "", Verdict.DONE),
    ("set server a/b weight 300", "[3]: Absolute weight can only be between 0 and 256 inclusive.", Verdict.REFUSED),
    ("set server a/b state ready", "[3]: No such server.", Verdict.REFUSED),
    ("set server a/b addr ::1 port 1", "[4]: IP changed from '127.0.0.1' to '::1', no need", Verdict.DONE),
    ("set server a/b addr ::1 port 1", "no need to change the addr, port changed from '2' to '1'", Verdict.DONE),
    ("set server a/b addr foo port 1", "[4]: Invalid addr 'foo' by 'stats socket command'", Verdict.REFUSED),
    ("set server a/b addr ::1 port 1", "", Verdict.REFUSED),
    ("set server a/b check-port 1", "", Verdict.DONE),
    ("set server a/b check-port 1", "[4]: health checks are not enabled on this server", Verdict.REFUSED),
    ("add server a/b 10.0.0.1:80", "[6]: New server registered.", Verdict.DONE),
    ("add server a/b 10.0.0.1:80", "[3]: Already exists a server with the same name in backend.", Verdict.REFUSED),
    ("add server a/b 10.0.0.1:80", "", Verdict.REFUSED),
    ("enable health a/b", "[3]: Health check was not configured on this server, cannot enable.", Verdict.REFUSED),
    ("del server a/b", "[6]: Server deleted.", Verdict.DONE),
    ("del server a/b", "[3]: No such server.", Verdict.DONE),
    ("del server a/b", "[3]: Server still has connections attached to it, cannot remove it.", Verdict.LATER),
    ("del server a/b", "[3]: Only servers in maintenance mode can be deleted.", Verdict.REFUSED),
    ("wait 100ms srv-removable a/b", "Wait delay expired.", Verdict.DONE),
    ("add map m k v", "[3]: unable to parse 'v'.", Verdict.REFUSED),
    ("set map m k v", "[3]: entry not found.", Verdict.REFUSED),
    ("del map m k", "[3]: Key not found.", Verdict.DONE),
    ("del map m k", "[3]: Unknown map identifier. Please use #<id> or <file>.", Verdict.REFUSED),
    ("set maxconn server a/b 1", "", Verdict.DONE),
]  # fmt: skip


@pytest.mark.parametrize(("line", "reply", "verdict"), MEASURED)
def test_a_reply_is_read_as_it_is_meant(line: str, reply: str, verdict: Verdict) -> None:
    assert judge(line, f"\n{reply}\n\n") is verdict
