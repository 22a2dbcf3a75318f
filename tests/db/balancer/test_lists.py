"""Long lists: found by words, narrowed, put in order and paged by what the address says."""

import re
from typing import Any

import pytest
from django.test import Client

from balancer.console.listing import SHOWN
from balancer.fleet.models import Node
from balancer.models import Pool
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(world: World) -> Client:
    client = Client()
    client.force_login(world.viewer)
    return client


def shown(client: Client, path: str, kind: str) -> list[str]:
    """The names in the first cells, in the order of the page."""
    return re.findall(rf'data-testid="row-{kind}-(\w+)"', text(client, path))


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def pools(world: World, *names: str) -> dict[str, Any]:
    return {name: build.pool(world.ours, name=name) for name in names}


def test_a_page_holds_fifty_and_the_next_the_rest_of_what_was_looked_for(world: World, reader: Client) -> None:
    pools(world, *(f"web {number:02d}" for number in range(SHOWN + 3)), "other")
    page = text(reader, "/t/ours/pools?q=WEB")
    assert page.count('data-testid="row-pool-') == SHOWN
    assert f'data-fit="{SHOWN + 3}"' in page
    assert 'href="?q=WEB&amp;page=2"' in page
    assert len(shown(reader, "/t/ours/pools?q=WEB&page=2", "pool")) == 3
    assert len(shown(reader, "/t/ours/pools?q=WEB&page=99", "pool")) == 3  # an address from yesterday
    assert len(shown(reader, "/t/ours/pools?page=x&state=nonsense&sort=nonsense", "pool")) == SHOWN


def test_the_order_is_the_addresss_and_each_head_leads_to_the_other_way(world: World, reader: Client) -> None:
    made = pools(world, *(f"p{letter}" for letter in "abcdefghijkl"))
    build.backend(world.ours, made["pc"])
    names = list(made)
    by = {pool.pk: name for name, pool in made.items()}
    assert [by[pk] for pk in shown(reader, "/t/ours/pools", "pool")] == names
    assert [by[pk] for pk in shown(reader, "/t/ours/pools?sort=-name", "pool")] == names[::-1]
    page = text(reader, "/t/ours/pools?sort=-name")
    assert 'aria-sort="descending"><a class="vf-sort" href="?sort=name"' in page
    assert shown(reader, "/t/ours/pools?sort=up", "pool")[0] == made["pc"].pk  # what has backends and no word of them
    assert shown(reader, "/t/ours/pools?state=unknown", "pool") == [made["pc"].pk]


def test_what_fits_nothing_says_so_and_leads_back(world: World, reader: Client) -> None:
    pools(world, "web")
    page = text(reader, "/t/ours/pools?q=nobody")
    assert "Nothing fits" in page
    assert "No pools yet" not in page


def test_backends_are_in_the_order_of_numbers_and_found_by_a_part_of_the_address(world: World, reader: Client) -> None:
    pool = pools(world, "web")["web"]
    ids = {
        ip: build.backend(world.ours, pool, address=f"[{ip}]:80" if ":" in ip else f"{ip}:80").pk
        for ip in ("10.0.0.10", "10.0.0.9", "10.0.1.1", "2001:db8::5")
    }
    path = f"/t/ours/pools/{pool.pk}"
    assert shown(reader, path, "backend") == [ids[ip] for ip in ("10.0.0.9", "10.0.0.10", "10.0.1.1", "2001:db8::5")]
    assert shown(reader, f"{path}?q=10.0.0", "backend") == [ids["10.0.0.9"], ids["10.0.0.10"]]
    assert shown(reader, f"{path}?q=%5B2001", "backend") == [ids["2001:db8::5"]]


def test_a_list_asks_as_much_for_many_as_for_one(
    world: World, reader: Client, django_assert_max_num_queries: Any
) -> None:
    """The page of a pool with sixty backends: no query for each."""
    pool = pools(world, "web")["web"]
    for number in range(60):
        build.backend(world.ours, pool, address=f"10.0.0.{number + 1}:80")
    with django_assert_max_num_queries(24):
        assert len(shown(reader, f"/t/ours/pools/{pool.pk}", "backend")) == SHOWN


def test_the_overview_shows_ten_pools_and_leads_to_all(world: World, reader: Client) -> None:
    pools(world, *(f"p{number}" for number in range(12)))
    page = text(reader, "/t/ours/")
    assert page.count('data-testid="row-pool-') == 10
    with tenant_scope(world.ours):
        assert f"All {Pool.objects.count()} pools" in page


def test_the_overview_names_the_first_ten_things_and_counts_the_rest(world: World, reader: Client) -> None:
    for name, pool in pools(world, *(f"bare {number:02d}" for number in range(12))).items():
        build.route(world.ours, pool, host=f"{name.replace(' ', '')}.ours.test")
    page = text(reader, "/t/ours/")
    assert page.count("and a route sends requests there.") == 10
    with platform_scope():
        silent = Node.objects.count()  # no node has spoken yet, which is said too
    assert f"and {2 + silent} more" in page
