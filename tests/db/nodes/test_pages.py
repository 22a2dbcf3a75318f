"""The console's pages of what nodes have, and of what happened to backends' health."""

from datetime import timedelta

import pytest
import redis
from django.test import Client
from django.utils import timezone

from balancer.models import Backend
from balancer.queries import store
from balancer.services import status
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.nodes.conftest import Beat, node
from tests.db.nodes.test_debug_backends import ONE, POOL, server, told
from tests.db.nodes.test_debug_backends import answers as answers
from tests.db.nodes.test_debug_backends import snapshot as snapshot
from tests.db.status.conftest import no_redis as no_redis
from tests.db.status.frames import frame
from tests.db.status.frames import server as seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(world: World) -> Client:
    client = Client()
    client.force_login(world.owner)
    return client


def page(browser: Client, world: World, path: str) -> str:
    answer = browser.get(f"/t/{world.ours.slug}/{path}")
    assert answer.status_code == 200, answer.content[:300]
    return str(answer.content.decode())


def test_what_a_node_really_has_is_shown_with_what_differs(
    world: World, browser: Client, beat: Beat, snapshot: object, answers: dict[str, object]
) -> None:
    beat("n1")
    proxy = f"{world.ours.key}_{POOL}"
    answers["n1"] = told(
        world.ours.key,
        servers={f"{proxy}/{ONE}": server("10.0.0.1", weight=3)},
        errors=[{"proxy": proxy, "side": "response", "at": "22/Nov/2026", "server": ONE, "position": 4}],
    )
    shown = page(browser, world, "on-the-nodes")
    for words in ("2 differences", "another weight", "not there", "10.0.0.2", "L7OK · 200 · ok", "at byte 4", "a.test"):
        assert words in shown, words
    assert 'data-testid="really-n2" data-answered="false"' in shown
    assert "It was never heard." in shown


def test_it_is_for_admins_and_not_in_a_viewers_menu(world: World, browser: Client, beat: Beat) -> None:
    assert "/on-the-nodes" in page(browser, world, "events")
    client = Client()
    client.force_login(world.viewer)
    assert "/on-the-nodes" not in page(client, world, "events")
    assert client.get(f"/t/{world.ours.slug}/on-the-nodes").status_code == 403


def test_both_pages_speak_portuguese(world: World, beat: Beat, answers: dict[str, object]) -> None:
    person = build.member(world.ours, Role.ADMIN, language="pt-br")
    client = Client()
    client.force_login(person)
    beat("n1")
    answers["n1"] = told(world.ours.key)
    assert "O que os nós realmente têm" in page(client, world, "on-the-nodes")
    assert "Nada aconteceu" in page(client, world, "events")


def test_health_events_say_who_where_when_and_why(world: World, browser: Client, kept: "redis.Redis") -> None:
    assert "Nothing happened" in page(browser, world, "events")
    backend, other = build.backend(world.ours), build.backend(world.ours)
    now = timezone.now()
    for before, word in ((3, "up"), (2, "down"), (1, "up")):
        says = seen(word, check="L4CON", code=None, detail="Connection refused")
        rows = {f"{world.ours.key}/p{one.pool_id}/{one.key}": says for one in (backend, other)}
        with platform_scope():
            status.observe(node("n1"), frame(rows, at=now - timedelta(seconds=before)), now=now)
    shown = page(browser, world, "events")
    assert shown.count('data-testid="row-event-') == 4
    for words in (backend.address, "L4CON · Connection refused", "n1", 'data-state="down"'):
        assert words in shown, words
    one = page(browser, world, f"events?pool={backend.pool_id}")
    assert one.count('data-testid="row-event-') == 2
    assert other.address not in one
    only = page(browser, world, f"events?backend={other.pk}")
    assert f"Only those of {other.address}" in only
    assert "Nothing fits" in page(browser, world, "events?pool=aaaaaaaaaaaa")
    with tenant_scope(world.ours):
        Backend.objects.filter(pk=other.pk).delete()
    assert "removed since" in page(browser, world, "events")
    kept.delete(store.events_key(world.ours.key))
    assert "Nothing happened" in page(browser, world, "events")


@pytest.mark.usefixtures("no_redis")
def test_without_redis_the_events_are_said_to_be_away(world: World, browser: Client) -> None:
    assert "The events cannot be read now" in page(browser, world, "events")
