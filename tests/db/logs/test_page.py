"""The page of lines: in both languages, filtered, and with somebody's path as text."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from balancer.queries import store
from tests import build
from tests.conftest import World
from tests.db.logs.lines import keep

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(world: World) -> Client:
    client = Client()
    build.console_login(client, world.viewer)
    return client


def shown(browser: Client, world: World, query: str = "", status: int = 200) -> str:
    answer = browser.get(f"/t/{world.ours.slug}/logs{query}")
    assert answer.status_code == status
    return answer.content.decode()


@pytest.mark.usefixtures("kept")
def test_lines_are_shown_filtered_and_paged(browser: Client, world: World) -> None:
    assert "No requests yet" in shown(browser, world)
    now = timezone.now()
    keep(world.ours, {"path": "/a?<script>alert(1)</script>"}, {"path": "/b", "status": 502}, now=now, left_out=7)
    keep(world.theirs, {"path": "/theirs"}, now=now)
    whole = shown(browser, world)
    assert "/a?&lt;script&gt;" in whole
    assert "<script>alert" not in whole
    assert "7 lines were left out" in whole
    assert "203.0.113.0" in whole  # a viewer sees the network
    assert "203.0.113.9" not in whole
    assert "/theirs" not in whole
    some = shown(browser, world, "?status_class=5xx")
    assert "/b" in some
    assert "&lt;script&gt;" not in some
    assert "Nothing fits" in shown(browser, world, "?path=/nowhere")
    assert "Nothing fits" in shown(browser, world, "?status=9", 422)
    keep(world.ours, *({"path": f"/{number}"} for number in range(50)), now=now)
    assert 'rel="next"' in shown(browser, world)


@pytest.mark.usefixtures("kept")
def test_it_speaks_portuguese(browser: Client, world: World) -> None:
    browser.cookies["django_language"] = "pt-br"
    assert "Nenhuma requisição ainda" in shown(browser, world)


def test_without_redis_the_page_says_so(browser: Client, world: World, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    store.client.cache_clear()
    try:
        assert "The lines cannot be read now" in shown(browser, world)
    finally:
        store.client.cache_clear()


def test_a_stranger_sees_no_page(world: World) -> None:
    client = Client()
    build.console_login(client, build.user())
    assert client.get(f"/t/{world.ours.slug}/logs").status_code == 404
