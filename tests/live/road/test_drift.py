"""What somebody altered by hand on a node is shown line by line, put right, and written down."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.live.road.conftest import Site
from tests.live.runtime import say
from tests.live.stack import Stack, until

pytestmark = pytest.mark.live
Make = Callable[..., Site]


def trail(site: Site, act: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = site.api.get("/audit", params={"act": act}).json()["items"]
    return [item for item in items if any(site.pool["id"] in line for line in lines_of(item))]


def lines_of(item: dict[str, Any]) -> list[str]:
    return [*item["before"].get("lines", []), *item["after"].get("lines", [])]


def test_k1_a_weight_set_by_hand_is_shown_and_restored(stack: Stack, make_site: Make) -> None:
    site = make_site(1)
    one = site.backends[0]
    seen: list[dict[str, Any]] = []

    def shown() -> bool:
        told = site.api.get("/debug/pools").json()
        seen[:] = [drift for drift in told["drift"] if any(site.pool["id"] in line for line in drift["lines"])]
        return bool(seen)

    tenant = next(
        line.split(",")[0] for line in say(stack.nodes[0], "show stat -1 4 -1").splitlines() if site.pool["id"] in line
    )
    say(stack.nodes[0], f"set server {tenant}/b{one['id']} weight 7")
    until(shown, within=40, every=0.3, what="the drift")
    assert seen[0]["node"] == "n1"
    assert any("weight 100" in line for line in seen[0]["lines"])
    until(lambda: trail(site, "drift.restored"), within=60, every=0.5, what="its end in the audit trail")
    assert trail(site, "drift.found")
    assert not shown()

    def same() -> bool:
        sides = {side["backend"]: side for side in site.api.get("/debug/pools").json()["backends"]}
        return all(node["differs"] == [] for node in sides[one["id"]]["nodes"])

    until(same, what="no difference")
