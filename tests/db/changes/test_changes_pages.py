"""The pages of waiting changes and of revisions, without JavaScript."""

import re
from typing import Any

import pytest
from django.utils import timezone

from balancer.models import Pool
from balancer.services import pools
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import build
from tests.db.changes.conftest import Fleet
from tests.pages import signed_in, text

POOL = {
    "algorithm": "round_robin", "retries": "2", "check_type": "http", "check_method": "GET", "check_path": "/",
    "check_expected_status": "200-399", "check_interval_ms": "5s", "check_timeout_ms": "2s", "check_rise": "2",
    "check_fall": "3", "timeout_connect_ms": "5s", "timeout_server_ms": "30s", "timeout_queue_ms": "5s",
    "sticky_type": "none", "proxy_protocol": "none",
}  # fmt: skip


@pytest.fixture
def staged(fleet: Fleet) -> Fleet:
    build.pool(fleet.tenant, name="shop")
    fleet.cut()
    fleet.live()
    client = signed_in(build.member(fleet.tenant, Role.OPERATOR))
    empty = text(client.get("/t/ours/pending"))
    assert "Changes go out by themselves" in empty
    done = client.post("/t/ours/pending/delivery", {"deploy": "staged", "canary_seconds": "20"}, follow=True)
    assert "What you change next waits here" in text(done)
    return fleet


def change(fleet: Fleet, **changes: Any) -> None:
    with tenant_scope(fleet.tenant):
        pools.update(Pool.objects.get(name="shop"), changes, by=build.actor(), now=timezone.now())


def test_one_looks_at_what_waits_and_sends_it_out(staged: Fleet) -> None:
    client = signed_in(build.member(staged.tenant, Role.OPERATOR))
    change(staged, retries=0)
    shown = text(client.get("/t/ours/pending"))
    edit = re.findall(r'name="edit" value="(\d+)" checked', shown)
    assert len(edit) == 1
    seen = text(client.post("/t/ours/pending/preview", {"edit": edit, "note": "fewer"}))
    assert "Reload on 2 nodes" in seen
    assert "<del>2</del> → <ins>0</ins>" in seen
    assert 'value="fewer"' in seen
    assert staged.newest().number == 1
    done = client.post("/t/ours/pending/deploy", {"edit": edit, "note": "fewer"}, follow=True)
    assert "r2 is on its way to the nodes." in text(done)
    assert staged.newest().note == "fewer"


def test_what_is_saved_is_said_to_wait(staged: Fleet) -> None:
    client = signed_in(build.member(staged.tenant, Role.OPERATOR))
    done = client.post("/t/ours/pools/new", {**POOL, "name": "other"}, follow=True)
    assert "It waits under Waiting changes until somebody deploys it." in text(done)
    assert "Deploying to" not in text(done)


def test_what_does_not_stand_alone_is_said(staged: Fleet) -> None:
    client = signed_in(build.member(staged.tenant, Role.OPERATOR))
    change(staged, retries=0)
    change(staged, retries=1)
    first = re.findall(r'name="edit" value="(\d+)"', text(client.get("/t/ours/pending")))[0]
    refused = client.post("/t/ours/pending/deploy", {"edit": first})
    assert refused.status_code == 409
    assert "is needed too" in text(refused)


def test_discarding_asks_first(staged: Fleet) -> None:
    client = signed_in(build.member(staged.tenant, Role.OPERATOR))
    change(staged, retries=0)
    assert "Discard all that waits?" in text(client.get("/t/ours/pending/discard"))
    done = client.post("/t/ours/pending/discard", follow=True)
    assert "1 change is taken back." in text(done)
    with tenant_scope(staged.tenant):
        assert Pool.objects.get().retries == 2


def test_a_viewer_looks_and_sends_nothing_out(staged: Fleet) -> None:
    client = signed_in(build.member(staged.tenant, Role.VIEWER))
    change(staged, retries=0)
    shown = text(client.get("/t/ours/pending"))
    assert 'data-testid="deploy"' not in shown
    assert client.post("/t/ours/pending/preview", {"all": "1"}).status_code == 200
    for path in ("pending/deploy", "pending/discard", "pending/delivery", "revisions/1/rollback"):
        assert client.post(f"/t/ours/{path}", {"all": "1"}).status_code == 403
    assert staged.newest().number == 1


@pytest.mark.parametrize(("language", "word"), [("en", "Go back to r1?"), ("pt-br", "Voltar para r1?")])
def test_going_back_says_what_follows_and_does_it(fleet: Fleet, language: str, word: str) -> None:
    build.pool(fleet.tenant, name="shop")
    fleet.cut()
    change(fleet, name="market", retries=0)
    fleet.cut()
    client = signed_in(build.member(fleet.tenant, Role.OPERATOR), language)
    assert 'data-testid="row-revision-2"' in text(client.get("/t/ours/revisions"))
    diff = text(client.get("/t/ours/revisions/2"))
    assert "<del>shop</del> → <ins>market</ins>" in diff
    assert "-    retries 2" in diff
    assert "<del>market</del> → <ins>shop</ins>" in text(client.get("/t/ours/revisions/1?against=2"))
    ask = text(client.get("/t/ours/revisions/1/rollback"))
    assert word in ask
    assert "<del>market</del> → <ins>shop</ins>" in ask
    client.post("/t/ours/revisions/1/rollback")
    with tenant_scope(fleet.tenant):
        assert Pool.objects.get().name == "shop"
    assert fleet.newest().number == 3


def test_a_rollback_that_is_refused_says_why(fleet: Fleet, settings: Any) -> None:
    backend = build.backend(fleet.tenant)
    fleet.cut()
    with tenant_scope(fleet.tenant):
        pools.delete(Pool.objects.get(pk=backend.pool_id), by=build.actor(), now=timezone.now())
    fleet.cut()
    settings.DEMO = False
    refused = signed_in(build.member(fleet.tenant, Role.OPERATOR)).post("/t/ours/revisions/1/rollback")
    assert refused.status_code == 422
    assert "loopback" in text(refused)
