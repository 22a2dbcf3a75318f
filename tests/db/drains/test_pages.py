"""A drain in the console: asked for, told in the row, called off."""

import pytest
import redis
from django.test import Client
from django.utils import timezone

from balancer.fleet.models import Drain
from balancer.models import Backend
from balancer.services import backends
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(world: World) -> Client:
    client = Client()
    build.console_login(client, world.owner)
    return client


def test_a_drain_with_a_deadline_is_told_in_the_row_and_called_off(
    world: World, browser: Client, kept: "redis.Redis"
) -> None:
    build.cluster()
    one = build.backend(world.ours)
    build.backend(world.ours, one.pool)
    page = f"/t/{world.ours.slug}/backends/{one.pk}"
    assert "At the latest after" in browser.get(f"{page}/draining").content.decode()
    wrong = browser.post(f"{page}/draining", {"deadline": "1ms", "then": "remove"})
    assert wrong.status_code == 422
    assert "from one second to seven days" in wrong.content.decode()
    done = browser.post(f"{page}/draining", {"deadline": "10m", "then": "remove"})
    assert done.status_code == 302
    row = browser.get(f"{page}/row").content.decode()
    assert 'hx-trigger="every 3s"' in row
    assert "then removed" in row
    assert "n1, n2 silent" in row
    assert "Make ready" in row
    browser.post(f"{page}/ready")
    with platform_scope():
        assert Drain.objects.get().ending == "cancelled"
    assert "every 3s" not in browser.get(f"{page}/row").content.decode()
    with tenant_scope(world.ours):
        backends.remove(Backend.objects.get(pk=one.pk), by=build.actor(), now=timezone.now())
    assert browser.get(f"{page}/row").content == b""


def test_the_last_one_is_asked_about_again(world: World, browser: Client, kept: "redis.Redis") -> None:
    one = build.backend(world.ours)
    page = f"/t/{world.ours.slug}/backends/{one.pk}/draining"
    refused = browser.post(page, {"deadline": "", "then": ""})
    assert refused.status_code == 409
    assert 'name="force"' in refused.content.decode()
    assert browser.post(page, {"deadline": "", "then": "", "force": "yes"}).status_code == 302
