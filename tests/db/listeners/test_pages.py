"""The console's pages of listeners, as a person uses them."""

from typing import Any

import pytest
from django.test import Client

from balancer.models import Listener, Pool
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import build

pytestmark = pytest.mark.django_db
FORM = {"kind": "tcp", "port": "", "host": "", "idle_timeout_ms": "60m", "enabled": "on"}


@pytest.fixture
def tenant() -> Tenant:
    return build.tenant()


@pytest.fixture
def client(tenant: Tenant) -> Client:
    browser = Client()
    browser.force_login(build.member(tenant, Role.ADMIN))
    return browser


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_an_empty_list_leads_to_a_pool_in_mode_tcp(client: Client, tenant: Tenant) -> None:
    shown = text(client.get(f"/t/{tenant.slug}/listeners"))
    assert "No listeners yet" in shown
    assert f"/t/{tenant.slug}/pools/new?mode=tcp" in shown
    form = text(client.get(f"/t/{tenant.slug}/pools/new?mode=tcp"))
    assert '<option value="tcp" selected>TCP: bytes' in form
    assert "Compartilhados por todos" in text(
        client.get(f"/t/{tenant.slug}/listeners", headers={"Accept-Language": "pt-BR"})
    )


def test_one_is_made_shown_changed_and_deleted(client: Client, tenant: Tenant) -> None:
    pool = build.tcp_pool(tenant)
    base = f"/t/{tenant.slug}/listeners"
    sent = {**FORM, "idle_timeout_ms": "5m", "pool": pool.pk, "allowed_cidrs": "203.0.113.0/24\n2001:db8::/32"}
    made = client.post(f"{base}/new", sent)
    assert made.status_code == 302, text(made)
    with tenant_scope(tenant):
        listener = Listener.objects.get()
    assert listener.allowed_cidrs == ["203.0.113.0/24", "2001:db8::/32"]
    shown = text(client.get(base))
    assert f'data-copy="#endpoint-{listener.pk}"' in shown
    assert f":{listener.port}</code>" in shown
    assert "2 networks" in shown
    assert f'aria-label="Edit port {listener.port}"' in shown
    assert f'aria-label="Delete port {listener.port}?"' in shown
    edited = client.post(f"{base}/{listener.pk}/edit", {**sent, "allowed_cidrs": "", "idle_timeout_ms": "2m"})
    assert edited.status_code == 302, text(edited)
    with tenant_scope(tenant):
        after = Listener.objects.get()
    assert (after.port, after.allowed_cidrs, after.idle_timeout_ms) == (listener.port, [], 120_000)
    assert "Keep it" in text(client.get(f"{base}/{listener.pk}/delete"))
    assert client.post(f"{base}/{listener.pk}/delete").status_code == 302
    with tenant_scope(tenant):
        assert not Listener.objects.exists()


def test_what_is_refused_stands_at_its_field(client: Client, tenant: Tenant) -> None:
    pool = build.tcp_pool(tenant)
    wrong = {**FORM, "idle_timeout_ms": "5m", "pool": pool.pk, "port": "80", "allowed_cidrs": "all"}
    refused = client.post(f"/t/{tenant.slug}/listeners/new", wrong)
    assert refused.status_code == 422
    assert "Ports of listeners are from" in text(refused)
    assert "is not a network" in text(refused)


def test_a_viewer_sees_and_changes_nothing(tenant: Tenant) -> None:
    listener = build.listener(tenant)
    viewer = Client()
    viewer.force_login(build.member(tenant, Role.VIEWER))
    shown = text(viewer.get(f"/t/{tenant.slug}/listeners"))
    assert str(listener.port) in shown
    assert f"{listener.pk}/edit" not in shown
    assert viewer.get(f"/t/{tenant.slug}/listeners/new").status_code == 403


def test_a_pool_in_mode_tcp_is_made_on_its_page(client: Client, tenant: Tenant) -> None:
    form = client.get(f"/t/{tenant.slug}/pools/new?mode=tcp").context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False, [])}
    sent |= {"name": "lines", "mode": "tcp", "check_type": "tcp"}
    made = client.post(f"/t/{tenant.slug}/pools/new", sent)
    assert made.status_code == 302, [*made.context["form"].errors.items()]
    with tenant_scope(tenant):
        assert Pool.objects.get().mode == "tcp"
