"""A tenant moves to another cluster while it is asked without end."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live.load import ask, load
from tests.live.road.conftest import Site
from tests.live.stack import NodeUnderTest, Stack, celery, free_port, read_env_file, until

pytestmark = pytest.mark.live
Make = Callable[..., Site]
SECOND = """
import django
django.setup()
from balancer.fleet.models import Cluster
from balancer.management.commands.bootstrap import node_environment
from balancer.services import nodes
from tenants.scope import platform_scope
with platform_scope():
    cluster, _ = Cluster.objects.get_or_create(name="second")
    print(node_environment(nodes.onboard("m1", cluster))["env_file"])
"""


GONE = """
import django
django.setup()
from balancer.fleet.models import Node
from balancer.services import status
from tenants.scope import platform_scope
with platform_scope():
    status.forget(Node.objects.get(name="m1"))
"""


@pytest.fixture(scope="module")
def third(stack: Stack) -> Iterator[NodeUnderTest]:
    """A node of another cluster. What it said goes with it: the other tests know two nodes."""
    env = read_env_file(Path(stack.run("-c", SECOND).strip().splitlines()[-1]))
    env |= {
        "VELOFLUX_NODE_HTTP_BIND": f"127.0.0.1:{free_port()}",
        "VELOFLUX_NODE_HTTPS_BIND": f"127.0.0.1:{free_port()}",
    }
    port = int(env["VELOFLUX_NODE_HTTP_BIND"].partition(":")[2])
    node = NodeUnderTest("m1", env["VELOFLUX_NODE_ID"], port, Path(env["VELOFLUX_NODE_DIR"]), env)
    programs = [
        stack.add("node-m1", [sys.executable, "-m", "balancer.edge.boot"], env),
        stack.add("edge-m1", celery("veloflux_site.node", "--pool", "solo", "-Q", f"node.{node.id}.work"), env),
    ]
    until(lambda: ask(port, "nobody.test").statuses[421], within=60, what="m1 answering")
    yield node
    for program in programs:
        program.kill()
        del stack.programs[program.name]
    stack.run("-c", GONE)


def system(stack: Stack) -> httpx.Client:
    """As staff: the first login's password, by Basic."""
    told = stack.bootstrap
    return httpx.Client(base_url=f"{stack.console}/api/system", auth=(told["email"], told["password"]), timeout=20)


def newest(api: httpx.Client) -> dict[str, Any]:
    answer = api.get("/drain")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["items"][0])


def test_b15_a_tenant_moves_there_and_back_without_a_lost_request(
    stack: Stack, make_site: Make, third: NodeUnderTest
) -> None:
    site, first = make_site(2), stack.nodes[0].http_port
    with system(stack) as api:
        assert api.post("/drain", json={"tenant": "demo", "to": "second"}).status_code == 422, "not confirmed"
        assert site.api.get(f"{stack.console}/api/system/drain").status_code == 403, "a tenant's key"
        with load(first, site.host, clients=3) as old:
            asked = api.post("/drain", json={"confirm": True, "tenant": "demo", "to": "second", "grace": "4s"})
            assert asked.status_code == 201, asked.text
            assert (asked.json()["state"], asked.json()["origin"], asked.json()["target"]) == (
                "placing",
                "main",
                "second",
            )
            assert api.post("/drain", json={"confirm": True, "tenant": "demo", "to": "second"}).status_code == 409
            until(lambda: newest(api)["state"] != "placing", within=40, what=f"the new cluster, {newest(api)}")
            assert newest(api)["state"] == "grace"
            with load(third.http_port, site.host, clients=3) as new:
                # What changes in the grace reaches both.
                drained = site.api.post(f"/backends/{site.backends[0]['id']}/drain", json={})
                assert drained.status_code == 200, drained.text
                other = {site.origins[1].name}
                until(lambda: set(ask(third.http_port, site.host, times=8).by) == other, within=8, what="the new one")
                until(lambda: set(ask(first, site.host, times=8).by) == other, within=8, what="the old one")
        assert old.total > 50
        assert new.total > 50
        assert not old.failures
        with load(third.http_port, site.host, clients=3) as new:
            until(lambda: newest(api)["state"] == "moved", within=40, what=f"the end, {newest(api)}")
        assert not new.failures
        assert ask(first, site.host).statuses == {421: 1}, "the old cluster has let go"
        site.api.post(f"/backends/{site.backends[0]['id']}/ready", json={})

        back = api.post("/drain", json={"confirm": True, "tenant": "demo", "to": "main", "grace": "1h"})
        assert back.status_code == 201, back.text
        until(lambda: newest(api)["state"] == "grace", within=40, what="the way back")
        undone = api.delete("/drain?tenant=demo")
        assert undone.json()["state"] == "called_off", undone.text
        until(lambda: ask(first, site.host).statuses[421], what="main letting go again")
        assert ask(third.http_port, site.host).statuses == {200: 1}
        again = api.post("/drain", json={"confirm": True, "tenant": "demo", "to": "main", "grace": "0s"})
        assert again.status_code == 201, again.text
        until(lambda: newest(api)["state"] == "moved", within=40, what=f"home, {newest(api)}")
        site.answered_by({origin.name for origin in site.origins})
