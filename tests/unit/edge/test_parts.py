"""The small parts: signatures, addresses, words, trees, counters, keys."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from balancer.edge import files
from balancer.edge.acl import acl_rule
from balancer.edge.binds import AddressTaken, addresses, require_free
from balancer.edge.check import words
from balancer.edge.counting import Counter
from balancer.edge.observer import Observer
from balancer.edge.samples import PoolSample, Sample, ServerSample, WaySample
from balancer.edge.signing import BadSignature, sign, verify
from balancer.edge.telling import Telling
from balancer.edge.tree import Tree, piece_of
from balancer.edge.trees import Trees
from balancer.haproxy.desired import AdminState, Pool, Route, Server, Tenant
from balancer.haproxy.render import NodeSettings, render_tree, shard_name
from balancer.haproxy.running import MAPS, Oper


def test_only_this_key_signs_this_body() -> None:
    verify("key", "body", sign("key", "body"))
    for key, body, signature in (
        ("other", "body", sign("key", "body")),
        ("key", "body!", sign("key", "body")),
        ("key", "body", "é"),
    ):
        with pytest.raises(BadSignature):
            verify(key, body, signature)


def test_an_address_that_somebody_listens_on_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(AddressTaken, match=f"cannot listen on {taken}"):
            require_free([taken])
    require_free([taken, "[::1]:0", "*:0"])
    with pytest.raises(AddressTaken, match=r"192\.0\.2\.1"):
        require_free(["192.0.2.1:0"])


def test_bind_lines_are_found() -> None:
    text = (
        "frontend a\n    bind 127.0.0.1:80,[::1]:80 thread 2-4\n    bind unix@/run/x accept-proxy\n    bind *:443 ssl\n"
    )
    assert addresses(text) == {"127.0.0.1:80", "[::1]:80", "*:443"}


def test_words_tell_the_mistake_and_no_path() -> None:
    output = (
        "[NOTICE]   (1) : haproxy version is 2.6.12\n"
        "[ALERT]    (1) : config : parsing [/srv/x-1/config/7/50-shard-001.cfg:9] : unknown keyword 'x'\n"
        "[ALERT]    (1) : config : Fatal errors found in configuration.\n"
    )
    assert words(output) == "parsing [50-shard-001.cfg:9] : unknown keyword 'x'"


def tenant(key: str, weight: int = 1, host: str = "a") -> Tenant:
    servers = (Server("b1", "192.0.2.1", 80, weight=weight),)
    return Tenant(key=key, pools=(Pool("p1", servers=servers),), routes=(Route("r1", f"{host}.{key}.test", "/", "p1"),))


def test_a_tree_is_what_the_renderer_makes_of_all() -> None:
    settings = NodeSettings(run_folder="/run/x", https_bind="*:8443", certificate_folder="/srv/x/certs")
    tenants = [tenant(f"t{number:03d}") for number in range(300)]
    tree = Tree(settings)
    tree.apply({one.key: piece_of(one) for one in tenants})
    ours, theirs = tree.texts(), render_tree(tenants, settings)
    assert set(ours) == set(theirs)
    for path, text in theirs.items():
        assert sorted((ours[path] or "").splitlines()) == sorted(text.splitlines()), path


def test_a_weight_changes_one_shard_and_a_host_its_maps() -> None:
    tree = Tree(NodeSettings(run_folder="/run/x"))
    tree.apply({key: piece_of(tenant(key)) for key in ("taaa", "tbbb")})
    assert set(tree.changes({"taaa": piece_of(tenant("taaa", weight=2))})) == {shard_name("taaa")}
    assert set(tree.changes({"taaa": piece_of(tenant("taaa", host="b"))})) == set(MAPS[:2])
    assert tree.changes({"taaa": piece_of(tenant("taaa"))}) == {}
    gone = tree.changes({"taaa": None})
    assert gone[shard_name("taaa")] is None
    assert "taaa" not in (gone[MAPS[0]] or "")


def test_a_staged_tree_shares_what_did_not_change(folder: Path) -> None:
    trees = Trees(files.folder(folder / "config"))
    first = trees.stage({"a.cfg": "a", "maps/m.map": "m"}, base=None)
    trees.use(first)
    second = trees.stage({"a.cfg": "b", "new.cfg": "n"}, base=first)
    trees.use(second)
    trees.change({"maps/m.map": "changed", "new.cfg": None})
    assert (trees.path(first) / "a.cfg").read_text() == "a"
    assert (trees.path(first) / "maps/m.map").read_text() == "m"
    assert sorted(path.name for path in trees.current.rglob("*.*")) == ["a.cfg", "m.map"]
    trees.stage({}, base=second)
    trees.clean(first)
    assert (trees.numbers(), trees.number) == ([first, second], second)


def test_a_counter_goes_on_where_a_new_worker_starts() -> None:
    counter = Counter()
    assert counter.take(100, same_process=True) == 0
    assert counter.take(110, same_process=True) == 10
    assert counter.take(4, same_process=False) == 4
    assert counter.take(300, same_process=False) == 300
    assert counter.total == 314


def sample(requests: int = 0, check_ms: int = 1, oper: Oper = Oper.UP, changed_s: int = 5) -> Sample:
    one = ServerSample(oper, AdminState.READY, 1, 0, 0, requests, "L7OK", 200, check_ms, "", changed_s)
    pools = {"t/p": PoolSample(0, 0, requests, requests, 0)}
    return Sample(7, 60, "2.6.12", 0, requests, {"t/p/b": one}, pools, moved=("t/p/b", "t/p"))


def test_only_news_is_told_and_a_heartbeat() -> None:
    observer = Observer("n", Telling("r"))
    first = observer.observe(sample(), now=1000.0, generation=1)
    assert first is not None
    assert (first["whole"], first["tenants"], first["since"]) == (["t"], ["t"], -1)
    assert observer.observe(sample(check_ms=9, changed_s=6), now=1001.0, generation=1) is None
    down = observer.observe(sample(oper=Oper.DOWN, changed_s=0), now=1002.0, generation=1)
    assert down is not None
    assert down["whole"] == []
    assert down["servers"]["t/p/b"]["since"] == 1002
    beat = observer.observe(sample(oper=Oper.DOWN, changed_s=5), now=1007.0, generation=2)
    assert beat is not None
    assert (beat["servers"], beat["pools"], beat["generation"]) == ({}, {}, 2)
    assert [frame["number"] for frame in (first, down, beat)] == [0, 1, 2]


def test_what_is_gone_is_told_at_once_and_not_counted_for_ever() -> None:
    observer = Observer("n", Telling("r"))
    observer.observe(sample(requests=100), now=1000.0, generation=1)
    body = observer.observe(replace(sample(), servers={}, pools={}), now=1001.0, generation=2)
    assert body is not None
    assert (body["whole"], body["servers"], body["pools"]) == ([], {"t/p/b": None}, {"t/p": None})
    observer.observe(replace(sample(), servers={}, pools={}), now=1031.0, generation=2)
    again = observer.observe(sample(requests=7), now=1032.0, generation=3)
    assert again is not None
    assert again["pools"]["t/p"]["requests"] == 0, "another pool than the one of a hundred requests"


def test_a_reload_of_the_same_is_no_news() -> None:
    """Of HAProxy's ages and codes it makes new ones: 40,000 servers would be told of for one pool."""
    observer = Observer("n", Telling("r"))
    observer.observe(sample(), now=1000.0, generation=1)
    after = sample(changed_s=0)
    forgot = {"t/p/b": replace(after.servers["t/p/b"], code=None)}
    body = observer.observe(replace(after, pid=8, servers=forgot), now=1001.0, generation=2)
    assert body is not None
    assert (body["pid"], body["servers"], body["pools"]) == (8, {}, {})


def test_rates_are_by_the_second() -> None:
    observer = Observer("n", Telling("r"))
    observer.observe(sample(requests=100), now=1000.0, generation=1)
    body = observer.observe(sample(requests=130), now=1002.0, generation=1)
    assert body is not None
    assert (body["rate"], body["pools"]["t/p"]["rate"], body["servers"]["t/p/b"]["rate"]) == (15, 15, 15)


@pytest.mark.parametrize("bad", ["", "*", "a*", "a b", "A", "a.b", "a\n"])
def test_an_id_cannot_widen_a_key_pattern(bad: str) -> None:
    with pytest.raises(ValueError, match="no node's id"):
        acl_rule(bad)


def test_what_came_through_a_listener_before_the_first_look_at_it_counts() -> None:
    observer, ways = Observer("n", Telling("r")), {"t_l1": "t/l"}
    first = replace(sample(), ways={"t_l1": WaySample(1, 5, 50, 500)})
    body = observer.observe(first, now=1000.0, generation=1, ways=ways)
    assert body is not None
    assert body["listeners"]["t/l"]["bytes_in"] == 0, "what was before this worker is not its count"
    both = replace(first, ways={**first.ways, "b.test": WaySample(0, 2, 20, 200)})
    body = observer.observe(both, now=1001.0, generation=2, ways={**ways, "b.test": "t/m"})
    assert body is not None
    assert body["listeners"] == {
        "t/m": {
            "sessions": 0, "rate": 2, "in_rate": 20, "out_rate": 200, "connections": 2, "bytes_in": 20, "bytes_out": 200
        }
    }  # fmt: skip
    body = observer.observe(replace(both, ways={}), now=1002.0, generation=2, ways={**ways, "b.test": "t/m"})
    assert body is not None
    assert (body["listeners"]["t/m"]["bytes_in"], body["listeners"]["t/m"]["in_rate"]) == (20, 0)
