"""Whose data: for every endpoint, theirs is not there, and nobody gets in without a credential."""

from typing import Any

import pytest

from tests import build
from tests.conftest import World
from tests.db.restkit.routes import Endpoint, endpoints, ids_for
from tests.db.stored import everything

ALL = endpoints()
LISTS = [e for e in ALL if e.action == "list" and e.mount.basename in build.OBJECTS and not e.has_ids]
WITH_IDS = [endpoint for endpoint in ALL if endpoint.has_ids]
pytestmark = pytest.mark.django_db


def named(endpoint: Endpoint) -> str:
    return endpoint.name


def ask(client: build.Api, endpoint: Endpoint, path: str) -> Any:
    return client(endpoint.method.upper(), path)


def test_there_are_endpoints() -> None:
    assert {"pools", "backends", "routes", "deployments", "keys"} <= {endpoint.path for endpoint in ALL}


@pytest.mark.parametrize("endpoint", ALL, ids=named)
def test_their_url_is_not_there(world: World, endpoint: Endpoint) -> None:
    ids = ids_for(world.theirs, endpoint)
    for client in (build.api(world.owner, world.ours), build.api(world.owner)):
        response = ask(client, endpoint, endpoint.of(world.theirs, ids))
        assert response.status_code == 404, response.content
        assert response.json()["code"] == "not_found"
        assert world.theirs.name not in response.content.decode()


@pytest.mark.parametrize("endpoint", WITH_IDS, ids=named)
def test_their_rows_are_not_under_our_url(world: World, endpoint: Endpoint) -> None:
    ids = ids_for(world.theirs, endpoint)
    owner = build.api(world.owner, world.ours)
    before = everything(world.ours, world.theirs)
    for path in (endpoint.own(ids), endpoint.of(world.ours, ids)):
        response = ask(owner, endpoint, path)
        if response.status_code == 422:  # the body is looked at first: then it is as if nobody had such a row
            response = ask(owner, endpoint, endpoint.own({}))
            assert response.status_code == 422, response.content
            continue
        assert response.status_code == 404, response.content
    assert everything(world.ours, world.theirs) == before


@pytest.mark.parametrize("endpoint", ALL, ids=named)
def test_nobody_gets_in_without_a_credential(world: World, endpoint: Endpoint) -> None:
    ids = ids_for(world.ours, endpoint)
    before = everything(world.ours, world.theirs)
    for path in (endpoint.own(ids), endpoint.of(world.ours, ids), endpoint.of(world.theirs, ids)):
        response = ask(build.api(), endpoint, path)
        assert response.status_code == 401, response.content
        assert response.headers["WWW-Authenticate"]
        assert response.json()["code"] == "not_authenticated"
    assert everything(world.ours, world.theirs) == before


@pytest.mark.parametrize("endpoint", LISTS, ids=named)
def test_a_list_shows_ours_only(world: World, endpoint: Endpoint) -> None:
    mine = str(build.OBJECTS[endpoint.mount.basename](world.ours).pk)
    not_mine = str(build.OBJECTS[endpoint.mount.basename](world.theirs).pk)
    shown = [row["id"] for row in build.api(world.owner, world.ours).get(endpoint.own({})).json()["items"]]
    assert mine in shown
    assert not_mine not in shown
