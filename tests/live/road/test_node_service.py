"""A node leaves service by the API, and comes back, while the other serves."""

import httpx
import pytest

from tests.live.load import ask, load
from tests.live.road.conftest import Site
from tests.live.road.test_moves import Make, system
from tests.live.stack import NodeUnderTest, Stack, until

pytestmark = pytest.mark.live
READY = "/.well-known/veloflux-node"


def refuses(node: NodeUnderTest) -> bool:
    try:
        httpx.get(node.url + READY)
    except httpx.ConnectError:
        return True
    return False


def test_b15_a_node_leaves_softly_and_comes_back(stack: Stack, make_site: Make) -> None:
    site: Site = make_site(1)
    first, second = stack.nodes
    with system(stack) as api:
        assert api.post("/drain", json={"node": "n1"}).status_code == 422, "not confirmed"
        until(lambda: api.get("/drain").json()["nodes"] == [], what="both nodes in service")
        with load(second.http_port, site.host) as other, load(first.http_port, site.host, clients=3) as own:
            asked = api.post("/drain", json={"confirm": True, "node": "n1", "grace": "3s"})
            assert asked.status_code == 201, asked.text
            assert (asked.json()["state"], asked.json()["confirmed"]) == ("leaving", False)
            until(lambda: httpx.get(first.url + READY).status_code == 503, what="its readiness path")
            alone = api.post("/drain", json={"confirm": True, "node": "n2"})
            assert (alone.status_code, alone.json()["code"]) == (409, "last_node"), alone.text
            assert ask(first.http_port, site.host).statuses == {200: 1}
        assert not own.failures
        with load(second.http_port, site.host) as other:
            until(lambda: refuses(first), what="no new connections")
            until(lambda: api.get("/drain").json()["nodes"][0]["confirmed"], what="its word")
            assert api.get("/drain").json()["nodes"][0]["state"] == "out"
            stack.programs["edge-n1"].restart()
            stack.programs["node-n1"].restart()
            until(lambda: stack.nodes[0].admin_socket.exists(), what="HAProxy again")
            assert refuses(first), "a restart does not bring it back"
            assert api.delete("/drain?node=n1").json()["state"] == "in"
            until(lambda: httpx.get(first.url + READY).status_code == 200, within=40, what="its return")
        assert not other.failures
        until(lambda: api.get("/drain").json()["nodes"] == [], within=30, what="its word")
    site.answered_by({site.origins[0].name})
