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


def test_d9_the_document_is_openapi_31_and_knows_every_endpoint(world: World) -> None:
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


def test_the_document_names_each_endpoint_as_it_is_written_and_in_a_sentence(world: World) -> None:
    paths = yaml.safe_load(Client().get("/api/schema").content)["paths"]
    assert [path for path in paths if path.endswith("/") or not path.startswith("/api")] == []
    assert "/api/auth/login" in paths
    for path, operations in paths.items():
        for method, operation in operations.items():
            if method != "parameters":
                assert operation.get("summary"), f"{method} {path}"
                assert "lookup_value_regex" not in operation.get("description", ""), f"{method} {path}"
    assert paths["/api/pools/{pool}/backends"]["get"]["summary"] == "List backends"
    assert paths["/api/tenants"]["get"].get("description", "") == ""


def test_the_document_says_what_a_write_answers_and_takes(world: World) -> None:
    paths = yaml.safe_load(Client().get("/api/schema").content)["paths"]
    for path, method, status in (
        ("/api/pools", "post", "201"), ("/api/pools/{id}", "patch", "200"), ("/api/pools/{id}", "delete", "200"),
        ("/api/backends/{id}/drain", "post", "200"), ("/api/tenants/{tenant}/routes/{id}", "put", "200"),
    ):  # fmt: skip
        operation = paths[path][method]
        schema = operation["responses"][status]["content"]["application/json"]["schema"]
        assert "#/components/schemas/Change" in str(schema), (path, method)
        headers = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
        assert {"Prefer", "Idempotency-Key" if method == "post" else "If-Match"} <= headers, (path, method)
        assert {"402", "409", "412", "422", "429"} <= operation["responses"].keys()
    assert "204" not in paths["/api/pools/{id}"]["delete"]["responses"]
    reading = paths["/api/pools/{id}"]["get"]
    assert "Change" not in str(reading["responses"]["200"])
    assert not {"402", "409", "412"} & reading["responses"].keys()
    assert "202" in paths["/api/deployments/{id}/retry"]["post"]["responses"]


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
        assert whole.split("_", 2)[2] not in page


def test_staffs_pages_are_for_staff(world: World) -> None:
    browser = Client()
    browser.force_login(world.owner)
    assert browser.get("/staff/").status_code == 302


def test_the_root_says_where_to_go(world: World) -> None:
    body = build.api().get("/api").json()
    assert (body["name"], body["version"]) == ("VeloFlux", "0.1.0")
    assert body["links"]["schema"] == "http://testserver/api/schema"
