"""The pages of routes: a form for all that a route can be, a line for each, and the tester."""

import re
from typing import Any

import pytest
from django.test import Client

from balancer.console.route_form import RouteForm
from balancer.console.route_start import start
from balancer.models import Pool, Purge, Route
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import build

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    return build.tenant()


def browser(tenant: Tenant, role: Role = Role.OWNER) -> Client:
    client = Client()
    build.console_login(client, build.member(tenant, role))
    return client


def sent(tenant: Tenant, route: Route | None = None, **values: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    with tenant_scope(tenant):
        form = RouteForm(initial=start(route))
        found = {name: form[name].value() for name in form.fields}
    typed = {name: value for name, value in found.items() if value is not None and value is not False}
    return {**typed, "host": route.host if route else "a.test", **values}


def only(tenant: Tenant) -> Route:
    with tenant_scope(tenant):
        return Route.objects.get()


FULL: dict[str, Any] = {
    "path_match": "regex",
    "path_prefix": "^/v[0-9]+/",
    "priority": 7,
    "condition_0_type": "header",
    "condition_0_name": "X-Plan",
    "condition_0_op": "!equals",
    "condition_0_value": "free",
    "condition_2_type": "method",
    "condition_2_value": "get, post",
    "rewrite_regex": "^/v([0-9]+)/",
    "rewrite_replacement": r"/\1/",
    "rewrite_host": "origin.test",
    "request_headers": "set X-From: edge\r\nremove X-Debug",
    "response_headers": "add X-Seen: a: b",
    "cors_origins": "https://a.test https://b.test",
    "cors_credentials": "on",
    "cors_max_age_ms": "1m",
    "timeout_ms": "1.5s",
    "max_body": "10M",
    "compression": "on",
    "cache_ttl_ms": "90s",
    "cache_max_object": "16k",
    "cache_cookies": "on",
    "maintenance_on": "on",
    "maintenance_body": "back\r\nsoon",
    "maintenance_retry_after_ms": "2m",
}


def test_all_of_a_route_is_set_and_shown_again_and_saved_unchanged(tenant: Tenant) -> None:
    client, pool = browser(tenant), build.pool(tenant)
    answer = client.post(f"/t/{tenant.slug}/routes/new", sent(tenant, pool=pool.pk, **FULL))
    assert answer.status_code == 302, re.findall(r"<div>([^<]+)</div>", answer.content.decode())
    route = only(tenant)
    assert (route.path_match, route.priority, route.timeout_ms, route.max_body) == ("regex", 7, 1500, 10 << 20)
    assert route.conditions == [
        {"type": "header", "name": "X-Plan", "op": "equals", "value": "free", "negate": True},
        {"type": "method", "name": None, "op": "equals", "value": "GET,POST", "negate": False},
    ]
    assert route.rewrite == {"prefix": "", "regex": "^/v([0-9]+)/", "replacement": r"/\1/", "host": "origin.test"}
    assert route.request_headers == [
        {"action": "set", "name": "X-From", "value": "edge"},
        {"action": "remove", "name": "X-Debug", "value": None},
    ]
    assert route.response_headers == [{"action": "add", "name": "X-Seen", "value": "a: b"}]
    assert route.cors == {
        "origins": ["https://a.test", "https://b.test"],
        "methods": ["GET", "HEAD", "POST"],
        "headers": [],
        "exposed": [],
        "credentials": True,
        "max_age_s": 60,
    }
    assert route.maintenance == {
        "body": "back\nsoon",
        "content_type": "text/html; charset=utf-8",
        "retry_after_s": 120,
    }
    assert route.cache == {"ttl_s": 90, "max_object": 16384, "cookies": True}
    again = sent(tenant, route)
    assert (again["request_headers"], again["max_body"]) == ("set X-From: edge\nremove X-Debug", "10M")
    assert client.post(f"/t/{tenant.slug}/routes/{route.pk}/edit", again).status_code == 302
    saved = only(tenant)
    assert {name: getattr(saved, name) for name in SHAPE} == {name: getattr(route, name) for name in SHAPE}


SHAPE = ("conditions", "action", "rewrite", "request_headers", "cors", "timeout_ms", "max_body", "maintenance", "cache")


@pytest.mark.parametrize(
    ("typed", "action", "line"),
    [
        (
            {"action_type": "redirect", "redirect_url": "https://b.test", "redirect_keep": "on", "redirect_code": 301},
            {"type": "redirect", "prefix": "https://b.test", "code": 301},
            "301 → https://b.test…",
        ),
        (
            {"action_type": "respond", "respond_status": 410, "respond_body": "gone"},
            {"type": "respond", "status": 410, "content_type": "text/plain", "body": "gone"},
            "answers 410 itself",
        ),
    ],
)
def test_a_route_needs_no_pool(tenant: Tenant, typed: dict[str, Any], action: dict[str, Any], line: str) -> None:
    client = browser(tenant)
    assert client.post(f"/t/{tenant.slug}/routes/new", sent(tenant, **typed)).status_code == 302
    assert (only(tenant).action, only(tenant).pool_id) == (action, None)
    assert line in client.get(f"/t/{tenant.slug}/routes").content.decode()
    assert client.post(f"/t/{tenant.slug}/routes/{only(tenant).pk}/edit", sent(tenant, only(tenant))).status_code == 302
    assert only(tenant).action == action


def test_clients_are_shared_out_and_the_list_says_it_in_a_line(tenant: Tenant) -> None:
    client = browser(tenant)
    old, new = build.pool(tenant, name="old"), build.pool(tenant, name="new")
    shares: dict[str, Any] = {"share_0_pool": old.pk, "share_0_weight": 95, "share_2_pool": new.pk, "share_2_weight": 5}
    condition: dict[str, Any] = {"condition_0_type": "cookie", "condition_0_name": "beta", "condition_0_op": "present"}
    form = sent(tenant, action_type="weighted", priority=3, **shares, **condition)
    assert client.post(f"/t/{tenant.slug}/routes/new", form).status_code == 302
    assert only(tenant).action["pools"] == [{"pool": old.pk, "weight": 95}, {"pool": new.pk, "weight": 5}]
    page = client.get(f"/t/{tenant.slug}/routes").content.decode()
    assert "old 95 · new 5" in page
    assert "if cookie beta is there" in page
    assert '<td class="num" data-label="Priority">3</td>' in page


def errors(page: str) -> dict[str, str]:
    """The error of each field, by the field."""
    return dict(re.findall(r'id="id_([\w-]+)_error">.*?<div>\s*<div>([^<]+)</div>', page, re.DOTALL))


def test_what_is_wrong_is_said_at_the_row_that_it_was_typed_in(tenant: Tenant) -> None:
    client, pool = browser(tenant), build.pool(tenant)
    wrong: dict[str, Any] = {
        "pool": pool.pk,
        "condition_1_type": "header", "condition_1_value": "typed and kept",
        "condition_2_type": "source", "condition_2_value": "10.0.0.1/8",
        "condition_3_value": "of nothing",
        "request_headers": "set X-Forwarded-For: 1.2.3.4",
        "response_headers": "nonsense",
        "max_body": "much",
    }  # fmt: skip
    answer = client.post(f"/t/{tenant.slug}/routes/new", sent(tenant, **wrong))
    page = answer.content.decode()
    assert answer.status_code == 422
    said = errors(page)
    assert said.keys() == {
        "condition_1_name", "condition_2_value", "condition_3_type", "request_headers", "response_headers", "max_body",
    }  # fmt: skip
    assert "typed and kept" in page
    assert said["max_body"] == "Write a size like 10M or 512k."


def test_what_the_service_refuses_stands_at_the_same_row_in_both_languages(tenant: Tenant) -> None:
    client, pool = browser(tenant), build.pool(tenant)
    wrong: dict[str, Any] = {"condition_3_type": "header", "condition_3_name": "X-A", "condition_3_op": "regex",
             "condition_3_value": "(a"}  # fmt: skip
    path = f"/t/{tenant.slug}/routes/new"
    english = errors(client.post(path, sent(tenant, pool=pool.pk, **wrong)).content.decode())
    assert english == {"condition_3_value": "A group is not closed."}
    client.cookies["django_language"] = "pt-br"
    page = client.post(path, sent(tenant, pool=pool.pk, **wrong), headers={"accept-language": "pt-BR"})
    assert errors(page.content.decode()) == {"condition_3_value": "Um grupo não está fechado."}
    assert "O que é feito com elas" in page.content.decode()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({}, "pool"),
        ({"action_type": "weighted"}, "share_0_pool"),
        ({"action_type": "redirect"}, "redirect_url"),
        ({"action_type": "redirect", "redirect_url": "ftp://x"}, "redirect_url"),
        ({"action_type": "respond", "respond_content_type": "text"}, "respond_content_type"),
        ({"action_type": "respond", "rewrite_regex": "a"}, "rewrite_replacement"),
        ({"action_type": "respond", "cors_origins": "* https://a.test"}, "cors_origins"),
        ({"action_type": "respond", "maintenance_on": "on", "maintenance_body": ""}, "maintenance_body"),
        ({"action_type": "respond", "path_prefix": "x"}, "path_prefix"),
    ],
)
def test_each_action_names_what_it_lacks(tenant: Tenant, typed: dict[str, Any], field: str) -> None:
    answer = browser(tenant).post(f"/t/{tenant.slug}/routes/new", sent(tenant, **typed))
    assert answer.status_code == 422
    assert errors(answer.content.decode()).keys() == {field}


def test_another_persons_change_is_shown_beside_what_was_typed(tenant: Tenant) -> None:
    client = browser(tenant)
    route = build.route(tenant, host="a.test", conditions=[{"type": "method", "value": "GET"}])
    page = client.get(f"/t/{tenant.slug}/routes/{route.pk}/edit").content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    assert seen
    mine = sent(tenant, only(tenant), seen=seen[1], condition_0_value="PUT")
    theirs = sent(tenant, only(tenant), seen=seen[1], priority=9)
    assert client.post(f"/t/{tenant.slug}/routes/{route.pk}/edit", theirs).status_code == 302
    refused = client.post(f"/t/{tenant.slug}/routes/{route.pk}/edit", mine)
    assert refused.status_code == 422
    assert errors(refused.content.decode()) == {"priority": "Now stored: 9", "condition_0_value": "Now stored: GET"}


def test_the_tester_says_who_has_the_request_and_why_others_have_not(tenant: Tenant) -> None:
    pool, other = build.pool(tenant, name="web"), build.pool(tenant, name="beta")
    build.backend(tenant, pool, address="10.0.0.1:80")
    build.route(tenant, pool, host="a.test")
    beta = build.route(
        tenant, other, host="a.test", priority=5,
        conditions=[{"type": "header", "name": "X-Beta", "op": "equals", "value": "1"}],
    )  # fmt: skip
    client = browser(tenant, Role.VIEWER)
    ask = {"test-host": "a.test", "test-path": "/x?y=1", "test-method": "get", "test-source": "203.0.113.9"}
    page = client.post(f"/t/{tenant.slug}/routes/test", ask).content.decode()
    assert 'data-verdict="pass"' in page
    assert "This does not hold: header X-Beta is 1" in page
    assert "10.0.0.1:80" in page
    ask["test-headers"] = "X-Beta: 1"
    page = client.post(f"/t/{tenant.slug}/routes/test", ask).content.decode()
    assert "It has no backend that is ready: requests get 503." in page
    assert f"routes/{beta.pk}/edit" not in page  # a viewer is led to no form
    wrong = client.post(f"/t/{tenant.slug}/routes/test", {**ask, "test-path": "x", "test-headers": "no colon"})
    assert wrong.status_code == 422
    assert errors(wrong.content.decode()).keys() == {"test-path", "test-headers"}
    assert "no colon" in wrong.content.decode()
    client.cookies["django_language"] = "pt-br"
    page = client.post(f"/t/{tenant.slug}/routes/test", ask, headers={"accept-language": "pt-BR"}).content.decode()
    assert "é a primeira rota que a aceita" in page
    assert "Ela fica com a requisição." in page


def test_pages_without_routes_or_pools_say_what_to_do(tenant: Tenant) -> None:
    client = browser(tenant)
    assert "No routes yet" in client.get(f"/t/{tenant.slug}/routes").content.decode()
    assert "it can redirect or answer" in client.get(f"/t/{tenant.slug}/routes/new").content.decode()
    assert client.get(f"/t/{tenant.slug}/routes/test").status_code == 200
    with tenant_scope(tenant):
        assert Pool.objects.count() == 0


def test_a_button_purges_what_a_route_keeps(tenant: Tenant) -> None:
    kept = build.route(tenant, cache={"ttl_s": 60})
    plain = build.route(tenant)
    client, reader = browser(tenant), browser(tenant, Role.VIEWER)
    page = client.get(f"/t/{tenant.slug}/routes").content.decode()
    path = f"/t/{tenant.slug}/routes/{kept.pk}/purge-cache"
    assert (page.count("purge-cache"), page.count(path), "keeps answers" in page) == (1, 1, True)
    assert "purge-cache" not in reader.get(f"/t/{tenant.slug}/routes").content.decode()
    done = client.post(path, follow=True).content.decode()
    assert "is given to nobody any more, once each node confirms" in done
    with tenant_scope(tenant):
        assert Purge.objects.get().route == kept.pk
    assert client.get(path).status_code == 405
    assert reader.post(path).status_code == 403
    none = client.post(f"/t/{tenant.slug}/routes/{plain.pk}/purge-cache", follow=True).content.decode()
    assert "there is nothing to purge" in none


def test_what_a_cache_cannot_be_is_said_at_its_field(tenant: Tenant) -> None:
    client, pool = browser(tenant), build.pool(tenant)
    for field, typed in (("cache_ttl_ms", "2h"), ("cache_ttl_ms", "61m"), ("cache_max_object", "1M")):
        values: dict[str, Any] = {"cache_ttl_ms": "60s", "pool": pool.pk, field: typed}
        answer = client.post(f"/t/{tenant.slug}/routes/new", sent(tenant, **values))
        assert answer.status_code == 422
        assert [*answer.context["form"].errors] == [field]
