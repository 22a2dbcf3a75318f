"""Who gets through the doors of the console's pages. A real database, no browser."""

import pytest
from django.test import Client

from balancer.models import Backend
from tenants.scope import tenant_scope
from tests import build
from tests.conftest import World


@pytest.fixture
def backend(world: World) -> Backend:
    first = build.backend(world.ours)
    return build.backend(world.ours, first.pool)


def test_nobody_is_sent_to_sign_in(world: World, client: Client) -> None:
    answer = client.get(f"/t/{world.ours.slug}/pools?page=2")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/login?next=/t/{world.ours.slug}/pools%3Fpage%3D2"


@pytest.mark.parametrize("path", ["", "pools", "pools/new", "routes", "deployments", "changes", "live.json"])
def test_another_tenant_is_not_there(world: World, client: Client, path: str) -> None:
    client.force_login(world.owner)
    assert client.get(f"/t/{world.theirs.slug}/{path}").status_code == 404


def test_another_tenants_pool_is_not_there(world: World, client: Client, backend: Backend) -> None:
    client.force_login(world.their_owner)
    for path in ("", "/edit", "/delete", "/backends/new"):
        assert client.get(f"/t/{world.theirs.slug}/pools/{backend.pool_id}{path}").status_code == 404
    assert client.post(f"/t/{world.theirs.slug}/backends/{backend.pk}/drain").status_code == 404


def test_a_viewer_looks_and_changes_nothing(world: World, client: Client, backend: Backend) -> None:
    client.force_login(world.viewer)
    slug = world.ours.slug
    seen = client.get(f"/t/{slug}/pools/{backend.pool_id}")
    assert seen.status_code == 200
    assert "/drain" not in seen.content.decode()
    for path in (f"backends/{backend.pk}/drain", "pools/new", "routes/new", f"pools/{backend.pool_id}/delete"):
        assert client.post(f"/t/{slug}/{path}").status_code == 403
    with tenant_scope(world.ours):
        assert Backend.objects.get(pk=backend.pk).admin == "ready"


def test_next_leads_only_to_pages_of_ours(world: World, client: Client) -> None:
    client.force_login(world.owner)
    assert client.get("/login?next=https://evil.example/").headers["Location"] == "/"
    assert client.get("/login?next=//evil.example/").headers["Location"] == "/"
    assert client.get("/login?next=/t/ours/pools").headers["Location"] == "/t/ours/pools"


def test_a_refusal_is_said_in_the_readers_language(world: World, client: Client, backend: Backend) -> None:
    client.force_login(world.owner)
    where = f"/t/{world.ours.slug}/pools/{backend.pool_id}/backends/new"
    sent = {"address": backend.address, "weight": "100"}
    said = client.post(where, sent, headers={"accept-language": "pt-BR"})
    assert said.status_code == 422
    assert "já tem este endereço" in said.content.decode()


@pytest.mark.parametrize("typed", ["9" * 5000, "9" * 1_000_001], ids=["long", "longer"])
def test_a_duration_without_end_is_refused_next_to_its_field(world: World, client: Client, typed: str) -> None:
    client.force_login(world.owner)
    answer = client.post(f"/t/{world.ours.slug}/pools/new", {"name": "x", "check_interval_ms": typed})
    assert answer.status_code == 422
    assert "check_interval_ms" in answer.context["form"].errors
