"""The form of a pool says and takes how it serves; a refusal stands at its field, in the reader's language."""

import pytest
from django.test import Client

from balancer.console.serving_form import PoolForm
from balancer.models import Pool
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests import build

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return build.tenant()


@pytest.fixture
def browser(tenant: Tenant) -> Client:
    client = Client()
    build.console_login(client, build.member(tenant))
    return client


def sent(**values: object) -> dict[str, object]:
    """The new pool's form as a browser sends it."""
    start = {name: value for name, value in PoolForm.start().items() if value not in (None, False)}
    times = {name: f"{value}ms" for name, value in start.items() if name.endswith("_ms")}
    return {**start, **times, "name": "web", **values}


def test_a_pool_is_made_with_all_of_it_and_shown_again(browser: Client, tenant: Tenant) -> None:
    spare = build.pool(tenant)
    values = {
        "sticky_type": "cookie",
        "sticky_ttl_ms": "30m",
        "backup_pool": spare.pk,
        "retry_on": ["503", "empty_response"],
        "max_queue": 20,
        "tls_enabled": "on",
        "tls_sni": "in.example.com",
    }
    answer = browser.post(f"/t/{tenant.slug}/pools/new", sent(**values))
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    with tenant_scope(tenant):
        pool = Pool.objects.get(name="web")
    assert (pool.sticky_type, pool.sticky_ttl_ms, pool.backup_pool_id) == ("cookie", 1_800_000, spare.pk)
    assert (pool.retry_on, pool.max_queue, pool.tls_enabled) == (["empty_response", "503"], 20, True)
    assert (pool.tls_sni, pool.tls_verify) == ("in.example.com", True)
    page = browser.get(f"/t/{tenant.slug}/pools/{pool.pk}/edit").content.decode()
    assert 'value="in.example.com"' in page
    assert f'<option value="{spare.pk}" selected>' in page
    assert f'<option value="{pool.pk}"' not in page  # it cannot take over for itself


def test_a_refusal_stands_at_its_field_in_both_languages(browser: Client, tenant: Tenant) -> None:
    wrong = sent(sticky_type="app_cookie", tls_ca="nothing")
    english = browser.post(f"/t/{tenant.slug}/pools/new", wrong)
    assert english.status_code == 422
    page = english.content.decode()
    assert "Say which cookie your application sets, like JSESSIONID." in page
    assert "This is not a certificate in PEM" in page
    browser.cookies["django_language"] = "pt-br"
    portuguese = browser.post(
        f"/t/{tenant.slug}/pools/new", wrong, headers={"accept-language": "pt-BR"}
    ).content.decode()
    assert "Diga qual cookie sua aplicação define, como JSESSIONID." in portuguese
    assert "Isto não é um certificado em PEM" in portuguese
    assert "Sessões fixas e substituição" in portuguese
