"""Reading no more than moved: it says what reading everything says."""

from dataclasses import replace
from typing import Any

import pytest

from balancer.edge import reading
from balancer.edge.reading import Reading
from balancer.edge.samples import Sample
from tests.live.edge.nodes import LiveNode, server, tenant
from tests.live.edge.origins import Origins


@pytest.fixture
def little(node: LiveNode, origins: Origins, monkeypatch: pytest.MonkeyPatch) -> Reading:
    """Of a node so large that it never reads everything again."""
    origin = origins.start("one")
    node.tell(*(tenant(f"t{name}", server("b1", origin), server("b2", origin)) for name in ("aaa", "bbb", "ccc")))
    monkeypatch.setattr(reading, "WHOLE_SHARE", 1e9)
    monkeypatch.setattr(reading, "LONGEST_PAUSE_S", 1e9)
    found = Reading(node.node.runtime)
    found.read()
    return found


def said(sample: Sample) -> tuple[Any, ...]:
    servers = {key: replace(one, changed_s=0, check_ms=None) for key, one in sample.servers.items()}
    return servers, dict(sample.pools), sample.requests


CHANGES = (
    "set server taaa_p1/b1 weight 7",
    "set server taaa_p1/b2 state drain",
    "set server tbbb_p1/b1 state maint",
    "set server tbbb_p1/b1 state ready",
)


def test_what_moved_is_what_is_read(node: LiveNode, little: Reading) -> None:
    for change in CHANGES:
        node.node.runtime.ask(change)
        sample = little.read()
        assert sample.looked is not None
        assert said(sample) == said(Reading(node.node.runtime).read()), change
    for _ in range(3):
        assert node.get("tccc.test")[0] == 200
    sample = little.read()
    assert sample.looked == {"tccc/p1"}
    assert {"tccc/p1", "tccc/p1/b1", "tccc/p1/b2"} == set(sample.moved)
    assert said(sample) == said(Reading(node.node.runtime).read())
    assert little.read().moved == set(), "nothing moves where nothing happens"


def test_servers_come_and_go_between_two_readings(node: LiveNode, little: Reading, origins: Origins) -> None:
    new = origins.start("two")
    pid = node.worker_pid
    node.tell(tenant("taaa", server("b2", new), server("b3", new)))
    assert node.worker_pid == pid, "no reload"
    sample = little.read({"taaa"})
    assert {key for key in sample.servers if key.startswith("taaa")} == {"taaa/p1/b2", "taaa/p1/b3"}
    assert said(sample) == said(Reading(node.node.runtime).read())


def test_who_was_sent_commands_is_asked_whatever_the_pool_says(node: LiveNode, little: Reading) -> None:
    """Its line says the same of a server that does not take traffic and of another one."""
    node.node.runtime.ask("set server taaa_p1/b1 state drain")
    little.read()
    node.node.runtime.ask("set server taaa_p1/b1 state maint")
    assert little.read({"taaa"}).servers["taaa/p1/b1"].admin == "maint"


def test_another_worker_is_read_from_the_beginning(node: LiveNode, little: Reading, origins: Origins) -> None:
    node.tell(tenant("tddd", server("b1", origins.start("two"))))
    sample = little.read()
    assert sample.looked is None
    assert sample.pid == node.worker_pid
    assert said(sample) == said(Reading(node.node.runtime).read())


def test_many_pools_that_turn_ill_are_read_with_everything(
    node: LiveNode, little: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_POOLS", 1)
    node.node.runtime.ask_all([f"set server t{name}_p1/b1 state maint" for name in ("aaa", "bbb", "ccc")])
    sample = little.read()
    assert sample.looked is None
    assert said(sample) == said(Reading(node.node.runtime).read())


def test_e1_one_that_turns_ill_is_not_pushed_out_by_commands(
    node: LiveNode, little: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_POOLS", 1)
    node.node.runtime.ask("set server tccc_p1/b1 state maint")
    sample = little.read({"taaa", "tbbb"})
    assert sample.looked == {"tccc/p1"}
    assert sample.servers["tccc/p1/b1"].admin == "maint"


def test_a_value_that_moves_beside_the_ages_is_seen_within_a_few_readings(node: LiveNode, little: Reading) -> None:
    """As an answer's code may: every line is read anew by turns."""
    lines = little._servers
    text = node.node.runtime.ask(reading.SERVERS)
    lines.take(text)
    lines.take_moved()
    header, *rows = text.splitlines()
    at = header.split(",").index("check_code")
    told = [row.split(",") for row in rows]
    changed = "\n".join([header, *(",".join([*row[:at], "204", *row[at + 1 :]]) for row in told)])
    for _ in range(16):
        lines.take(changed)
    assert {one.code for one in lines.values.values()} == {204}
