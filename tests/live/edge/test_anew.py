"""Told everything anew: what was lost or damaged on the node's disk is there again, and nobody notices."""

import json
from dataclasses import replace

from balancer.edge.converge import converge, reload
from balancer.edge.message import Message
from balancer.edge.report import Outcome
from balancer.haproxy.desired import Tenant
from tests.live.edge.load import load
from tests.live.edge.nodes import LiveNode, server, tenant
from tests.live.edge.origins import Origins


def everything(node: LiveNode, *tenants: Tenant, generation: int | None = None) -> Message:
    """All that the console has, with the generations that it had."""
    whole = node.message(since=0)
    fragments = [dict(node.node.store.kept[one.key].target.to_json()) for one in tenants]  # type: ignore[union-attr]
    body = {
        "node": "n1",
        "since": 0,
        "generation": generation or whole.generation,
        "fragments": fragments,
        "anew": True,
    }
    return Message.from_body(json.dumps(body), node="n1")


def test_what_was_damaged_on_the_disk_and_in_haproxy_is_there_again(node: LiveNode, origins: Origins) -> None:
    one, two = tenant("taaa", server("b1", origins.start("one"))), tenant("tbbb", server("b1", origins.start("two")))
    node.tell(one, two)
    message = everything(node, one, two)
    fragment, tree = node.folder / "fragments" / "taaa.json", node.folder / "config" / "current"
    shard = next(path for path in tree.glob("50-shard-*.cfg") if "taaa_p1" in path.read_text())
    kept, whole = json.loads(fragment.read_text()), shard.read_text()
    fragment.write_text("{")
    shard.write_text("# somebody was here\n")
    node.node.runtime.ask_all(["del map maps/hosts.map tbbb.test", "set server taaa_p1/b1 weight 3"])
    with load(node.port, "taaa.test") as running:
        report = converge(node.node, message)
        assert report.outcome is Outcome.RELOAD_DUE
        assert reload(node.node).outcome is Outcome.CONVERGED
    assert running.failed == []
    assert json.loads(fragment.read_text())["target"] == kept["target"]
    assert shard.read_text() == whole
    assert (node.get("taaa.test"), node.get("tbbb.test")) == ((200, "one"), (200, "two"))
    assert node.servers("taaa_p1")["b1"][1] == 100


def test_an_old_one_brings_back_neither_a_tenant_nor_a_state(node: LiveNode, origins: Origins) -> None:
    first = tenant("taaa", server("b1", origins.start("one")))
    node.tell(first, tenant("tbbb", server("b1", origins.start("two"))))
    old = everything(node, first, tenant("tbbb"))
    node.tell(replace(first, routes=()), gone=("tbbb",))
    converge(node.node, old)
    if node.node.reload_due:
        reload(node.node)
    assert node.get("taaa.test")[0] == 421
    assert node.get("tbbb.test")[0] == 421
