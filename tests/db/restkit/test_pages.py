"""The OpenAPI document, its pages and staff's pages: local, and under the strict policy."""

import re

import pytest
import yaml
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from tests import build
from tests.conftest import World
from tests.db.restkit.routes import endpoints

pytestmark = pytest.mark.django_db
POLICY = {
    "default-src": "'none'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*nonce=)|\sstyle=|\son\w+=|<style(?![^>]*nonce=)", re.IGNORECASE)


def policy(response: object) -> dict[str, str]:
    parts = response.headers["Content-Security-Policy"].split(";")  # type: ignore[attr-defined]
    return {name: rest for name, _, rest in (part.strip().partition(" ") for part in parts)}


def test_the_document_is_openapi_31_and_knows_every_endpoint(world: World) -> None:
    response = Client().get("/api/schema")
    assert response.status_code == 200
    document = yaml.safe_load(response.content)
    assert document["openapi"].startswith("3.1")
    for endpoint in endpoints():
        shape = re.compile("/api/" + re.sub(r"\{[\w-]+\}", r"\\{\\w+\\}", endpoint.path) + "/?")
        methods = [set(ops) for path, ops in document["paths"].items() if shape.fullmatch(path)]
        assert any(endpoint.method in found for found in methods), endpoint.name
    ids = [op["operationId"] for ops in document["paths"].values() for name, op in ops.items() if name != "parameters"]
    assert len(ids) == len(set(ids))
    assert {"bearer", "basic", "session"} <= set(document["components"]["securitySchemes"])


@pytest.mark.parametrize("path", ["/api/docs", "/api/redoc"])
def test_the_documents_pages_pass_the_strict_policy(world: World, path: str) -> None:
    response = Client().get(path)
    assert response.status_code == 200
    page = response.content.decode()
    assert not INLINE.search(page)
    assert "http://" not in page
    assert "https://" not in page
    rules = policy(response)
    assert {name: rules[name] for name in POLICY} == POLICY
    nonce = re.search(r"'nonce-([^']+)'", rules["script-src"])
    assert nonce is not None
    assert nonce[1] in page
    for source in re.findall(r'(?:src|href)="/static/([^"]+)"', page):
        assert finders.find(source), source


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_staffs_pages_show_no_secret_and_no_inline_script(world: World, model: type) -> None:
    _, whole = build.key(world.ours, world.owner)
    browser = Client()
    browser.force_login(build.staff())
    listed = browser.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))  # type: ignore[attr-defined]
    pages = [listed]
    first = model._default_manager.first()  # type: ignore[attr-defined]
    if first is not None:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"  # type: ignore[attr-defined]
        pages.append(browser.get(reverse(name, args=[first.pk])))
    for response in pages:
        assert response.status_code == 200
        page = response.content.decode()
        assert not INLINE.search(page), INLINE.search(page)
        assert "digest" not in page.lower()
        assert whole.rsplit("_", 1)[1] not in page


def test_staffs_pages_are_for_staff(world: World) -> None:
    browser = Client()
    browser.force_login(world.owner)
    assert browser.get("/staff/").status_code == 302


def test_the_root_says_where_to_go(world: World) -> None:
    body = build.api().get("/api").json()
    assert (body["name"], body["version"]) == ("VeloFlux", "0.1.0")
    assert body["links"]["schema"] == "http://testserver/api/schema"
