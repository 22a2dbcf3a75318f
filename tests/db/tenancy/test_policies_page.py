"""What the settings' pages let one take back, and what they say before rather than after."""

import pytest
from django.test import Client

from tenants.models import Invitation, Tenant
from tenants.roles import Role
from tenants.scope import platform_scope
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


def test_a_second_factor_is_demanded_and_then_of_nobody(world: World, owner: Client) -> None:
    def since() -> object:
        with platform_scope():
            return Tenant.objects.get(pk=world.ours.pk).second_factor_from

    where = "/t/ours/settings/second-factor"
    assert owner.post(where, {"since": "7"}).status_code == 302
    assert since() is not None
    assert owner.post(where, {"since": ""}).status_code == 302
    assert since() is None


def test_where_no_place_is_free_the_page_says_so_instead_of_asking(
    world: World, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = owner.get("/t/ours/members").content.decode()
    assert 'action="/t/ours/members/invite"' in free
    assert "looks, changes nothing" in free
    monkeypatch.setattr("tenants.services.tenancy.limits.seats", lambda tenant: 1)
    full = owner.get("/t/ours/members").content.decode()
    assert 'data-testid="no-place"' in full
    assert "/t/ours/members/invite" not in full
    refused = owner.post("/t/ours/members/invite", {"email": "new@bakery.test", "role": Role.VIEWER})
    assert refused.status_code == 422
    assert 'value="new@bakery.test"' in refused.content.decode(), "what was typed stays"
    with platform_scope():
        assert not Invitation.objects.exists()


def test_each_right_of_a_key_is_explained(world: World, owner: Client) -> None:
    assert "runtime: drain, make ready" in owner.get("/t/ours/keys").content.decode()
    other = Client(headers={"accept-language": "pt-BR"})
    other.force_login(build.member(world.ours, Role.ADMIN))
    assert "operar: drenar, deixar pronto" in other.get("/t/ours/keys").content.decode()
