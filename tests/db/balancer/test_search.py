"""One field finds what a tenant has: by parts of names, addresses and hosts, in four queries, and nobody else's."""

import re
from typing import Any

import pytest
from django.test import Client

from balancer.queries import search
from tenants.scope import tenant_scope
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(world: World) -> Client:
    client = Client()
    client.force_login(world.viewer)
    return client


def found(client: Client, asked: str, tenant: str = "ours") -> set[str]:
    answer = client.get(f"/t/{tenant}/search", {"q": asked})
    assert answer.status_code == 200
    return set(re.findall(r'data-testid="found-(\w+-\w+)"', answer.content.decode()))


def test_each_kind_is_found_by_a_part_of_what_it_is_called(world: World, reader: Client) -> None:
    pool = build.pool(world.ours, name="Shop frontends", description="in São Paulo")
    backend = build.backend(world.ours, pool, address="10.20.30.40:8080")
    six = build.backend(world.ours, pool, address="[2001:db8::5]:8080")
    route = build.route(world.ours, pool, host="shop.ours.test", path_prefix="/basket")
    domain = build.domain(world.ours, "ours-shop.test")
    assert found(reader, "frontends SHOP") == {f"pool-{pool.pk}"}
    assert found(reader, "são paulo") == {f"pool-{pool.pk}"}
    assert found(reader, "30.40:80") == {f"backend-{backend.pk}"}
    assert found(reader, "[2001:db8::5]:8080") == {f"backend-{six.pk}"}
    assert found(reader, "shop.ours.test/bas") == {f"route-{route.pk}"}
    assert found(reader, "ours-shop") == {f"domain-{domain.pk}"}
    assert found(reader, "shop") == {f"pool-{pool.pk}", f"route-{route.pk}", f"domain-{domain.pk}"}


def test_another_tenants_are_never_found(world: World, reader: Client) -> None:
    theirs = build.pool(world.theirs, name="secret pool")
    build.backend(world.theirs, theirs, address="10.66.66.66:80")
    build.route(world.theirs, theirs, host="secret.theirs.test")
    build.domain(world.theirs, "secret-theirs.test")
    assert found(reader, "secret") == found(reader, "10.66") == set()
    assert reader.get("/t/theirs/search?q=secret").status_code == 404
    assert Client().get("/t/ours/search?q=secret").status_code == 302


@pytest.mark.parametrize("asked", ["", "a", "%%", "__", "\\'", "\0pool", "'; DROP TABLE x", "x " * 80, "١٢"])
def test_what_is_not_a_name_finds_nothing_and_breaks_nothing(world: World, reader: Client, asked: str) -> None:
    build.pool(world.ours, name="wed")
    assert found(reader, asked) == set()


def test_it_asks_as_much_for_many_as_for_few_and_says_that_there_are_more(
    world: World, django_assert_num_queries: Any
) -> None:
    pool = build.pool(world.ours, name="many 00")
    for number in range(search.EACH + 1):
        build.backend(world.ours, pool, address=f"10.1.1.{number + 1}:80")
    with tenant_scope(world.ours):
        with django_assert_num_queries(4):
            seen = search.of(world.ours, "10.1.1")
            assert {backend.pool.name for backend in seen.backends} == {"many 00"}
        assert (len(seen.backends), set(seen.more)) == (search.EACH, {"backends"})
