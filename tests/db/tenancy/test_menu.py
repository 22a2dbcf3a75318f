"""The console's menu: grouped, and nothing that a role can never use."""

import pytest
from django.test import Client

from tenants.roles import Role
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


def headings(world: World, role: Role, language: str = "en") -> list[str]:
    browser = Client(headers={"accept-language": language})
    browser.force_login(build.member(world.ours, role))
    text = browser.get(f"/t/{world.ours.slug}/").content.decode()
    return [part.partition("<")[0] for part in text.split('<li class="vf-nav-head">')[1:]]


def test_the_menu_is_in_groups_in_the_readers_language(world: World) -> None:
    assert headings(world, Role.OWNER) == ["Traffic", "Security", "Observe", "Deploy", "Settings"]
    assert headings(world, Role.OWNER, "pt-br") == ["Tráfego", "Segurança", "Observar", "Implantar", "Configurações"]
