"""A name that leads elsewhere, on the real road: traffic follows on every node, and no HAProxy is reloaded."""

from collections.abc import Callable, Iterator

import pytest

from tests.live.origins import Origin, start
from tests.live.road.conftest import Site, post
from tests.live.runtime import pid
from tests.live.stack import Stack, until
from tests.nameserver import NameServer

pytestmark = pytest.mark.live
Make = Callable[..., Site]
NAME = "app.example.com"


@pytest.fixture
def two() -> Iterator[tuple[Origin, Origin]]:
    """On one port, at two addresses."""
    one = start("127.0.0.2", ip="127.0.0.2")
    other = start("127.0.0.3", port=one.port, ip="127.0.0.3")
    yield one, other
    one.stop()
    other.stop()


def test_traffic_follows_the_name(stack: Stack, make_site: Make, dns: NameServer, two: tuple[Origin, Origin]) -> None:
    one, other = two
    dns.ttl, dns.addresses[NAME] = 5, [one.name]
    site, neighbour = make_site(0, wait=False), make_site(1)
    made = post(site.api, "/backends", {"pool": site.pool["id"], "address": f"{NAME}:{one.port}"})
    assert [at["address"] for at in made["resolution"]["addresses"]] == [f"{one.name}:{one.port}"]
    site.answered_by({one.name})
    revision = site.api.get("/revisions").json()["total_count"]
    pids = [pid(node) for node in stack.nodes]

    dns.addresses[NAME] = [other.name, "169.254.169.254"]
    site.answered_by({other.name}, within=40)
    assert "169.254.169.254, where no traffic is sent" in str(shown(site, made)["resolution"]["error"])
    dns.addresses[NAME] = [one.name, other.name]
    site.answered_by({one.name, other.name}, within=40)
    until(lambda: opers(site, made) == {"up"}, within=40, what="a state for each address")

    assert [pid(node) for node in stack.nodes] == pids
    assert site.api.get("/revisions").json()["total_count"] == revision
    neighbour.answered_by({neighbour.origins[0].name})


def shown(site: Site, made: dict[str, object]) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = site.api.get(f"/backends/{made['id']}").json()
    return found


def opers(site: Site, made: dict[str, object]) -> set[str]:
    found = site.api.get(f"/backends/{made['id']}").json()["resolution"]["addresses"]
    return {one["status"]["oper"] for one in found} if len(found) == 2 else set()
