"""From a saved row to balanced traffic, on real HAProxy nodes."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.live.load import ask, load, serves
from tests.live.origins import origins
from tests.live.road.conftest import Site, post
from tests.live.runtime import reloads, say
from tests.live.stack import Stack, until

pytestmark = pytest.mark.live
Make = Callable[..., Site]


def test_a1_pool_backend_and_route_by_api_serve(make_site: Make) -> None:
    site = make_site(2)
    tally = site.ask(40)
    assert tally.by == {site.origins[0].name: 20, site.origins[1].name: 20}


def test_a4_a_new_backend_gets_traffic_and_no_request_fails(stack: Stack, make_site: Make) -> None:
    site = make_site(1)
    before = [reloads(node) for node in stack.nodes]
    with origins("new-one") as (new,), load(stack.nodes[0].http_port, site.host) as tally:
        site.add(new)
        until(lambda: tally.by["new-one"] > 20, what="traffic to the new backend")
        site.answered_by({site.origins[0].name, "new-one"})
        assert not tally.failures
        assert [reloads(node) for node in stack.nodes] == before, "a backend must be added without a reload"


def test_a5_weights_one_to_three_show(make_site: Make) -> None:
    site = make_site(2)
    first, second = site.backends
    post(site.api, f"/backends/{first['id']}/weight", {"weight": 25}, status=200)
    post(site.api, f"/backends/{second['id']}/weight", {"weight": 75}, status=200)
    names = [origin.name for origin in site.origins]
    for node in range(2):
        until(lambda n=node: site.ask(40, n).by == {names[0]: 10, names[1]: 30}, what="1:3")  # type: ignore[misc]


def test_a6_a_removed_backend_gets_nothing_more(make_site: Make) -> None:
    site = make_site(2)
    answer = site.api.delete(f"/backends/{site.backends[0]['id']}")
    assert answer.status_code in (200, 204), answer.text
    site.answered_by({site.origins[1].name})


def test_a8_a_new_host_serves_without_reload(stack: Stack, make_site: Make) -> None:
    site = make_site(1)
    before = [reloads(node) for node in stack.nodes]
    post(site.api, "/routes", {"host": "second." + site.host, "pool": site.pool["id"]})
    for node in stack.nodes:
        until(serves(node.http_port, "second." + site.host), within=5)
    assert [reloads(node) for node in stack.nodes] == before


def test_a9_the_longest_path_wins_by_segment_and_a_deleted_route_is_gone(make_site: Make) -> None:
    site, other = make_site(1), make_site(1)
    route = post(site.api, "/routes", {"host": site.host, "path_prefix": "/api", "pool": other.pool["id"]})
    mine, theirs = site.origins[0].name, other.origins[0].name
    until(lambda: site.ask(path="/api/v1").by[theirs])
    for path, name in {
        "/": mine,
        "/apix": mine,
        "/api": theirs,
        "/api/": theirs,
        "/API": mine,
        "/api?x=1": theirs,
    }.items():
        assert set(site.ask(path=path).by) == {name}, path
    assert site.api.delete(f"/routes/{route['id']}").status_code in (200, 204)
    until(lambda: site.ask(path="/api/v1").by[mine])


def test_an_unknown_host_is_421_and_a_route_without_a_match_404(stack: Stack, make_site: Make) -> None:
    site = make_site(1)
    post(site.api, "/routes", {"host": "only." + site.host, "path_prefix": "/deep", "pool": site.pool["id"]})
    port = stack.nodes[0].http_port
    until(serves(port, "only." + site.host, "/deep"))
    assert ask(port, "only." + site.host, "/").statuses == {404: 1}
    assert ask(port, "nobody.test").statuses == {421: 1}


def test_a11_an_ill_backend_gets_nothing_until_it_is_well(stack: Stack, make_site: Make) -> None:
    site = make_site(2)
    ill, well = site.origins
    ill.healthy = False
    site.answered_by({well.name})
    assert not site.ask(50).failures
    # A node looks once a second: what comes and goes in between leaves no event; a new one may be seen down at first.
    here, row = {node.name for node in stack.nodes}, site.backend(ill)
    until(lambda: newest(site, row) == dict.fromkeys(here, ("up", "down", "L7STS", 503)), what="falls of both nodes")
    ill.healthy = True
    site.answered_by({ill.name, well.name})
    until(lambda: newest(site, row) == dict.fromkeys(here, ("down", "up", "L7OK", 200)), what="rises of both nodes")
    assert "down" not in {after for _, (_, after, *_) in events(site, site.backend(well))}


Event = tuple[str, str, str, int]


def newest(site: Site, backend: dict[str, Any]) -> dict[str, Event]:
    """Node → what happened there last."""
    return dict(reversed(events(site, backend)))


def events(site: Site, backend: dict[str, Any]) -> list[tuple[str, Event]]:
    """Where and what, the newest first."""
    items = site.api.get(f"/backends/{backend['id']}/events").json()["items"]
    return [(one["node"], (one["before"], one["after"], one["check"], one["code"])) for one in items]


def test_a3_a_backend_that_stops_is_listed_as_down_with_its_check(stack: Stack, make_site: Make) -> None:
    site = make_site(2)
    stopped, well = site.origins
    stopped.stop()

    def listed() -> dict[str, tuple[Any, ...]]:
        found = site.api.get("/backends", params={"pool": site.pool["id"]}).json()["items"]
        return {
            one["address"]: (
                one["status"]["oper"],
                (one["status"]["last_check"] or {}).get("code"),
                {node["oper"] for node in one["status"]["nodes"]},
            )
            for one in found
        }

    expected = {stopped.address: ("down", "L4CON", {"down"}), well.address: ("up", "L7OK", {"up"})}
    until(lambda: listed() == expected, what=f"{expected} in the list")
    assert not site.ask(20).failures


def test_an_address_moves_without_a_reload(stack: Stack, make_site: Make) -> None:
    site = make_site(1)
    before = [reloads(node) for node in stack.nodes]
    # Under load: connections that are in use while the address changes must not lead to the old one for ever.
    port = stack.nodes[0].http_port
    with origins("moved") as (moved,), load(port, site.host, pause=0.01) as tally:
        answer = site.api.patch(f"/backends/{site.backends[0]['id']}", json={"address": moved.address})
        assert answer.status_code == 200, answer.text
        until(lambda: tally.by["moved"] > 20, what="traffic to the new address")
        site.answered_by({"moved"})
        assert not tally.failures
        assert [reloads(node) for node in stack.nodes] == before


def test_new_pools_come_through_one_gathered_reload(stack: Stack, make_site: Make) -> None:
    make_site(1)
    before = [reloads(node) for node in stack.nodes]
    sites = [make_site(1, wait=False) for _ in range(5)]
    for site in sites:
        site.answered_by({site.origins[0].name})
    assert all(reloads(node) - was <= 3 for node, was in zip(stack.nodes, before, strict=True))


def test_d1_twenty_deployments_under_keep_alive_load_fail_no_request(stack: Stack, make_site: Make) -> None:
    site = make_site(2)
    first, second = (node.http_port for node in stack.nodes)
    with (
        load(first, site.host, clients=6) as kept,
        load(second, site.host, clients=3, keep_alive=False) as closed,
    ):
        for number in range(20):
            made: dict[str, Any] = post(site.api, "/pools", {"name": f"burst {site.host} {number}"})
            until(lambda p=made: deployed(site, p), within=20, what="a deployment")  # type: ignore[misc]
    assert kept.total > 200
    assert closed.total > 100
    assert not Counter(kept.failures)
    assert not Counter(closed.failures)


def deployed(site: Site, made: dict[str, Any]) -> bool:
    name = f"p{made['id']}"
    return all(name in say(node, "show stat -1 2 -1") for node in site.stack.nodes)
