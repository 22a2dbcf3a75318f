"""What the nodes really have, asked of both while one of them was changed by hand, or says nothing."""

from typing import Any

import httpx
import pytest

from balancer.edge.runtime import Runtime
from tests.live.road.conftest import Site
from tests.live.road.test_moves import Make
from tests.live.stack import Stack, until

pytestmark = pytest.mark.live


def look(api: httpx.Client) -> dict[str, dict[str, Any]]:
    answer = api.get("/debug/backends")
    assert answer.status_code == 200, answer.text
    return {one["node"]: one for one in answer.json()["nodes"]}


def checked(site: Site) -> str:
    """What the last check said on n1."""
    sides = {one["backend"]: one["running"] for one in look(site.api)["n1"]["backends"]}
    return str(sides[site.backends[0]["id"]]["last_check"]["check"])


def test_k2_what_was_changed_by_hand_is_named_and_a_silent_node_too(stack: Stack, make_site: Make) -> None:
    site: Site = make_site(1)
    until(lambda: all(one["answered"] and not one["differences"] for one in look(site.api).values()), within=40)
    found = look(site.api)
    assert set(found) == {"n1", "n2"}
    mine = [one for one in found["n1"]["backends"] if one["backend"] == site.backends[0]["id"]]
    assert mine[0]["running"]["raw"]
    until(lambda: checked(site) == "L7OK", within=40, what="a check")
    assert site.host in {entry["key"] for entry in found["n1"]["maps"] if entry["map"] == "hosts"}
    proxy, _, server = mine[0]["server"].partition("/")
    commands = [f"set server {proxy}/{server} weight 3", f"del map maps/hosts.map {site.host}"]

    def changed() -> bool:
        Runtime(stack.nodes[0].admin_socket).ask_all(commands)
        one = look(site.api)["n1"]
        named = {side["key"]: side["differs"] for side in one["maps"] if side["differs"]}
        weights = [side["differs"] for side in one["backends"] if side["backend"] == site.backends[0]["id"]]
        return named == {site.host: "missing"} and weights == [["weight"]]

    until(changed, within=30, what="what was changed by hand")
    stack.programs["edge-n2"].kill()
    try:
        silent = look(site.api)
        assert (silent["n1"]["answered"], silent["n2"]["answered"]) == (True, False)
        assert silent["n2"]["why"] == "It did not answer in time."
    finally:
        stack.programs["edge-n2"].start()
    until(lambda: all(one["answered"] and not one["differences"] for one in look(site.api).values()), within=60)
