"""Who may: every role against every endpoint, from the one table; a refusal changes nothing."""

import pytest

from tenants.restkit.viewsets import TenantView
from tenants.roles import ALLOWED, Role, Verb, allows
from tests import build
from tests.conftest import World
from tests.db.restkit.routes import Endpoint, endpoints, ids_for
from tests.db.stored import everything

ALL = endpoints()
pytestmark = pytest.mark.django_db


def named(endpoint: Endpoint) -> str:
    return endpoint.name


def verb_of(endpoint: Endpoint) -> Verb:
    assert issubclass(endpoint.mount.viewset, TenantView)
    return endpoint.mount.viewset.verbs[endpoint.action]


# What a viewer may POST changes nothing that is kept: a ticket for his own stream, a question.
WRITES = [endpoint for endpoint in ALL if endpoint.is_write and verb_of(endpoint) is not Verb.VIEW]


@pytest.mark.parametrize("endpoint", ALL, ids=named)
def test_every_action_names_its_right(endpoint: Endpoint) -> None:
    assert isinstance(verb_of(endpoint), Verb)


@pytest.mark.parametrize("endpoint", WRITES, ids=named)
def test_a_viewer_is_refused_every_write_and_nothing_changes(world: World, endpoint: Endpoint) -> None:
    ids = ids_for(world.ours, endpoint)
    viewer = build.api(world.viewer, world.ours)
    before = everything(world.ours)
    for path in (endpoint.own(ids), endpoint.of(world.ours, ids)):
        response = viewer(endpoint.method.upper(), path)
        assert response.status_code == 403, response.content
        assert response.json()["needed"] == verb_of(endpoint)
    assert everything(world.ours) == before


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("endpoint", ALL, ids=named)
def test_each_role_is_let_in_where_the_table_says(world: World, endpoint: Endpoint, role: Role) -> None:
    """By the absence of 403: with no such row and no body, whoever is let in gets 404 or 422."""
    person = build.member(world.ours, role)
    response = build.api(person, world.ours)(endpoint.method.upper(), endpoint.own({}))
    assert (response.status_code != 403) == allows(role, verb_of(endpoint)), response.content


@pytest.mark.parametrize("endpoint", WRITES, ids=named)
def test_a_suspended_tenant_is_read_only(world: World, endpoint: Endpoint) -> None:
    ids = ids_for(world.ours, endpoint)
    type(world.ours).objects.filter(pk=world.ours.pk).update(status="suspended")
    response = build.api(world.owner, world.ours)(endpoint.method.upper(), endpoint.own(ids))
    assert response.status_code == 403
    assert response.json()["code"] == "suspended"


def test_a_suspended_tenant_can_be_read(world: World) -> None:
    type(world.ours).objects.filter(pk=world.ours.pk).update(status="suspended")
    assert build.api(world.owner, world.ours).get("/api/pools").status_code == 200


def test_a_key_is_held_to_the_narrower_of_its_role_and_its_makers(world: World) -> None:
    """A key outlives its maker's promotion, not his demotion."""
    maker = build.member(world.ours, Role.ADMIN)
    _, whole = build.key(world.ours, maker, Role.OPERATOR)
    client = build.Api(f"Bearer {whole}")
    assert client.post("/api/pools", {"name": "first"}).status_code == 201
    maker.memberships.update(role=Role.VIEWER)
    assert client.post("/api/pools", {"name": "second"}).status_code == 403
    maker.memberships.all().delete()
    assert client.get("/api/pools").status_code == 404


def test_staff_may_name_any_tenant(world: World) -> None:
    staff = build.staff()
    for tenant in (world.ours, world.theirs):
        assert build.api(staff).get(f"/api/tenants/{tenant.slug}/pools").status_code == 200
    assert build.api(staff).get("/api/pools").json()["code"] == "tenant_required"


def test_the_table_is_the_products() -> None:
    """owner > admin > operator > viewer, and billing beside them (api.md)."""
    assert ALLOWED[Role.VIEWER] < ALLOWED[Role.OPERATOR] < ALLOWED[Role.ADMIN] < ALLOWED[Role.OWNER]
    assert ALLOWED[Role.BILLING] == {Verb.VIEW, Verb.BILLING}
    assert Verb.BILLING not in ALLOWED[Role.ADMIN]


def test_a_key_makes_no_tenant_of_its_makers(world: World) -> None:
    _, whole = build.key(world.ours, world.owner, Role.VIEWER)
    response = build.Api(f"Bearer {whole}").post("/api/tenants", {"name": "Mine", "slug": "mine-all-mine"})
    assert response.status_code == 403, response.content
    assert build.api(world.owner).get("/api/tenants/mine-all-mine").status_code == 404
