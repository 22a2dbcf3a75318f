"""One node's HAProxy hangs: the API answers, the other node serves the change, and it is said which does not."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.live.road.conftest import Site, post
from tests.live.runtime import pid, say
from tests.live.stack import NodeUnderTest, Stack, until

pytestmark = pytest.mark.live


def weighs(node: NodeUnderTest, site: Site, weight: int) -> bool:
    """As `show servers state` has it in its eighth column."""
    lines = say(node, "show servers state").splitlines()
    (line,) = (line.split() for line in lines if f" b{site.backends[0]['id']} " in line)
    return line[7] == str(weight)


def states(site: Site) -> dict[str, tuple[str, str]]:
    """Of the newest revision: node → its state and why."""
    items = site.api.get("/deployments", params={"page_size": 50}).json()["items"]
    newest = max(item["revision"] for item in items)
    return {item["node"]: (item["state"], item["reason"]) for item in items if item["revision"] == newest}


def test_a_wedged_haproxy_is_told_and_heals_by_itself(stack: Stack, make_site: Callable[..., Site]) -> None:
    site = make_site(1)
    wedged, well = stack.nodes
    was = pid(wedged)
    os.kill(was, signal.SIGSTOP)
    try:
        post(site.api, f"/backends/{site.backends[0]['id']}/weight", {"weight": 33}, status=200)
        until(lambda: weighs(well, site, 33), what="the node that is well")
        until(lambda: states(site)[wedged.name][0] == "failed", within=30, what="the wedged one's deployment")
        assert states(site)[well.name][0] == "live"
        assert "did not answer" in states(site)[wedged.name][1]
        assert site.api.get("/pools").status_code == 200
        assert set(site.ask(5, 1).by) == {site.origins[0].name}
    finally:
        os.kill(was, signal.SIGCONT)
    until(lambda: states(site)[wedged.name][0] == "live", within=30, what="the wedged one's, going on")
    assert weighs(wedged, site, 33)
    assert pid(wedged) == was
    assert set(site.ask(5, 0).by) == {site.origins[0].name}
