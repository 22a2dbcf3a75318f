"""The scan that parses little finds what the one that parses everything finds, whatever somebody does by hand."""

import random
from dataclasses import replace

import pytest

from balancer.edge.converge import reload, repair
from balancer.edge.look import look_at_all
from balancer.edge.scan import NOTHING, TOKENS, Seen, scan
from balancer.haproxy.desired import Pool, Route, Tenant
from balancer.haproxy.listeners import Listener, ListenerKind, Mode
from balancer.haproxy.planner import drift
from balancer.haproxy.protection import ClientRules, ContentTypeOptions, SecurityHeaders
from balancer.haproxy.render import map_entries
from balancer.haproxy.routing import AS_IT_IS, Cache
from balancer.haproxy.running import MAPS, TENANTS
from balancer.haproxy.serving import PLAIN
from tests.live.edge.nodes import NO_CHECK, LiveNode, free_port, server
from tests.live.edge.origins import Origins


def rich(key: str, origins: Origins) -> Tenant:
    """One of whom every map says something."""
    one = origins.start("one")
    servers = (server("b1", one), server("b2", one, weight=9))
    pools = (
        Pool("p1", servers=servers, health_check=NO_CHECK, serving=replace(PLAIN, fallback="p2")),
        Pool("p2", servers=servers, health_check=NO_CHECK),
        Pool("p3", servers=servers, health_check=NO_CHECK, mode=Mode.TCP),
    )
    kept = replace(AS_IT_IS, cache=Cache(60, purged=7))
    return Tenant(
        key,
        pools,
        (
            Route("r1", f"{key}.test", "/", "p1"),
            Route("r2", f"{key}.test", "/x", "p2"),
            Route("r3", f"more.{key}.test", "/", "p1", handling=kept),
        ),
        rps=500,
        clients=ClientRules(rps=400, allowed=("192.0.2.0/24",), proxies=("198.51.100.0/24",)),
        headers=SecurityHeaders(content_type_options=ContentTypeOptions.NOSNIFF),
        listeners=(
            Listener("l1", ListenerKind.TCP, "p3", port=free_port(), allowed=("203.0.113.0/24",)),
            Listener("l2", ListenerKind.TLS_PASSTHROUGH, "p3", host=f"tls.{key}.test"),
        ),
    )


class Looks:
    """Both scans, one beside the other."""

    def __init__(self, node: LiveNode, *tenants: Tenant) -> None:
        self.node = node
        self.states = {one.key: one for one in tenants}
        self.seen: Seen = NOTHING

    def found(self) -> list[str]:
        runtime, capabilities = self.node.node.runtime, self.node.node.capabilities
        found, self.seen = scan(runtime, self.states, capabilities, self.seen)
        running = look_at_all(runtime)
        all_of_it = [f"{key} {line}" for key, one in self.states.items() for line in drift(one, running, capabilities)]
        assert sorted(found) == sorted(all_of_it)
        return found


@pytest.fixture
def looks(node: LiveNode, origins: Origins) -> Looks:
    found = Looks(node, rich("taaa", origins), rich("tbbb", origins))
    node.tell(*found.states.values())
    assert found.found() == []
    assert found.found() == []
    return found


def test_every_entry_of_a_map_speaks_of_its_tenant(origins: Origins) -> None:
    """In its key or its value: so that one that somebody changed leads to whom it concerns."""
    state = rich("taaa", origins)
    entries = {**map_entries(state), TENANTS: map_entries(replace(state, suspended=True))[TENANTS]}
    assert {path for path in MAPS if entries[path]} == set(MAPS)
    for path in MAPS:
        for key, value in entries[path].items():
            assert "taaa" in {*TOKENS.split(key), *TOKENS.split(value)}, (path, key, value)


def test_each_column_changed_by_hand_is_found(looks: Looks) -> None:
    at = "taaa_p1/b1"
    for change in (
        f"set server {at} weight 3",
        f"set server {at} state drain",
        f"set server {at} state maint",
        f"set server {at} addr 127.0.0.9",
        f"set server {at} addr 127.0.0.1 port 81",
        "set server tbbb_p2/b2 weight 0",
    ):
        looks.node.node.runtime.ask(change)
        assert looks.found(), change
        assert looks.found(), "still"
        repaired(looks)


def repaired(looks: Looks) -> None:
    """As the node would. What was given to another tenant by hand he takes away first."""
    repair(looks.node.node)
    if looks.found():
        repair(looks.node.node)
    assert looks.found() == []


def test_each_entry_changed_by_hand_is_found(looks: Looks) -> None:
    runtime = looks.node.node.runtime
    for path in MAPS:
        entries = map_entries(looks.states["taaa"])[path]
        for key in sorted(entries)[:1]:
            for change in (f"del map {path} {key}", f"set map {path} {key} tbbb_p2", f"set map {path} {key} 0"):
                runtime.ask(change)
                assert looks.found(), change
                repaired(looks)
        runtime.ask(f"add map {path} left.over taaa_p1")
        looks.found()
        runtime.ask(f"del map {path} left.over")
        looks.found()


def test_servers_that_come_and_go_by_hand_are_found(looks: Looks) -> None:
    runtime = looks.node.node.runtime
    runtime.ask_all(["set server taaa_p2/b2 state maint", "del server taaa_p2/b2"])
    assert looks.found()
    runtime.ask("add server tbbb_p1/b9 127.0.0.1:9")
    assert {line.split(" ")[0] for line in looks.found()} == {"taaa", "tbbb"}
    runtime.ask_all(["set server taaa_p2/b1 state maint", "del server taaa_p2/b1", "add server taaa_p2/b1 127.0.0.1:9"])
    assert looks.found()
    repaired(looks)


def test_another_state_is_compared_with_what_runs(looks: Looks) -> None:
    one = looks.states["taaa"]
    other = replace(one, rps=7, pools=(replace(one.pools[0], servers=one.pools[0].servers[:1]), *one.pools[1:]))
    looks.states["taaa"] = other
    assert looks.found(), "nobody told the node"
    looks.node.tell(other)
    assert looks.found() == []
    looks.node.node.reload_wanted = True
    reload(looks.node.node)
    assert looks.found() == []


@pytest.mark.parametrize("seed", range(3))
def test_whatever_somebody_does_by_hand_both_find_the_same(looks: Looks, seed: int) -> None:
    chance, runtime = random.Random(seed), looks.node.node.runtime
    for _ in range(40):
        key = chance.choice(("taaa", "tbbb"))
        at = f"{key}_{chance.choice(('p1', 'p2', 'p3'))}/{chance.choice(('b1', 'b2', 'b8'))}"
        path = chance.choice(MAPS)
        entry = chance.choice(sorted(map_entries(looks.states[key])[path]) or ["left.over"])
        value = chance.choice(("taaa_p1", "tbbb_p2", "tbbb", "1"))
        runtime.ask(
            chance.choice(
                (
                    f"set server {at} weight {chance.choice((0, 9, 100))}",
                    f"set server {at} state {chance.choice(('ready', 'drain', 'maint'))}",
                    f"set server {at} addr 127.0.0.{chance.choice((1, 2))}",
                    f"add server {at} 127.0.0.1:9",
                    f"del server {at}",
                    f"del map {path} {entry}",
                    f"add map {path} {entry} {value}",
                    f"set map {path} {entry} {value}",
                )
            )
        )
        looks.found()
