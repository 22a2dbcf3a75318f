"""A configuration to take along: the same text for the same rows, without secrets, and back the same."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.test import Client
from rest_framework import serializers

from balancer.api import portable
from balancer.api.operations import FORMS
from balancer.models import Backend, Listener, Pool, Route
from balancer.queries import objects
from tenants.scope import tenant_scope
from tests import build
from tests.conftest import World
from tests.db.changes.conftest import Fleet

# Columns that are ours alone, or that the document says by where an object stands.
NOT_IN_A_DOCUMENT = {"id", "created_at", "updated_at", "moves"}
SAID_OTHERWISE = {
    "backend": {"ip", "host", "port"},  # as its address
    # By the pool's name; by the certificate, which keeps the key that it came with.
    "pool": {"backup_pool_id", "tls_bundle"},
}


EVERYTHING = {"pool": 3, "backend": 2, "route": 2, "listener": 2}


@pytest.fixture(autouse=True)
def passed_through(settings: Any) -> None:
    settings.SHARED_PORTS = {**settings.SHARED_PORTS, "tls_passthrough": 8445}


@pytest.fixture
def full(fleet: Fleet) -> Fleet:
    shop = build.pool(fleet.tenant, name="shop \"7\" ${x}", algorithm="least_conn", tags=["eu", "web"], retries=1,
                      check_path="/health?deep=1", check_interval_ms=2500, description="naïve: yes, 12:30")  # fmt: skip
    build.pool(fleet.tenant, name="empty", check_type="none", backup_pool=shop.pk)  # of a name that comes after it
    build.backend(fleet.tenant, shop, address="10.0.0.5:80", weight=7, admin="drain", region="eu", max_connections=9)
    build.backend(fleet.tenant, shop, address="[2001:db8::5]:80", backup=True, check_port=8080, tags=["v6"])
    build.route(fleet.tenant, shop, host="*.a.test", path_prefix="/x", enabled=False, description="later")
    build.route(fleet.tenant, shop, host="a.test", tags=["main"])
    db = build.tcp_pool(fleet.tenant, name="db")
    build.listener(fleet.tenant, db, allowed_cidrs=["10.0.0.0/8"], max_connections=9, proxy_protocol=True)
    build.listener(fleet.tenant, db, kind="tls_passthrough", host="db.a.test", description="named")
    return fleet


def text(fleet: Fleet, form: str) -> str:
    answer = fleet.api.get(f"/api/config/export?format={form}")
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def wipe(fleet: Fleet) -> None:
    with tenant_scope(fleet.tenant):
        Pool.objects.update(backup_pool=None)
        for model in (Listener, Route, Backend, Pool):
            model.objects.all().delete()


def bring(fleet: Fleet, body: str, form: str = "json", query: str = "", status: int = 200) -> Any:
    client = Client(headers={"Authorization": fleet.api.credential or ""})
    answer = client.post(f"/api/config/import?{query}", data=body, content_type=f"application/{form}")
    assert answer.status_code == status, answer.content
    return answer.json()


def created_of(done: Any) -> dict[str, int]:
    return {kind: one["created"] for kind, one in done["counts"].items() if kind != "protection"}


@pytest.mark.parametrize("form", ["json", "yaml"])
@pytest.mark.parametrize("mode", ["merge", "replace"])
def test_d3_export_wipe_import_export_is_the_same(full: Fleet, form: str, mode: str) -> None:
    first = text(full, form)
    assert text(full, form) == first
    wipe(full)
    done = bring(full, first, form, f"mode={mode}")
    assert created_of(done) == EVERYTHING
    assert done["notes"] == []
    assert text(full, form) == first


def test_importing_what_is_there_changes_nothing(full: Fleet) -> None:
    done = bring(full, text(full, "json"), query="mode=replace")
    assert {kind: one["unchanged"] for kind, one in done["counts"].items()} == {**EVERYTHING, "protection": 2}
    assert done["change"] is None
    assert done["objects"] == []


def test_merge_adds_and_changes_and_replace_takes_away_too(full: Fleet) -> None:
    document = json.loads(text(full, "json"))
    document["pools"] = [one for one in document["pools"] if one["name"] != "empty"]
    shop = next(one for one in document["pools"] if one["name"].startswith("shop"))
    shop["retries"] = 0
    shop["backends"][0]["weight"] = 70
    document["routes"] = document["routes"][:1]
    body = json.dumps(document)
    dry = bring(full, body, query="mode=replace&dry_run=true")
    assert dry["counts"]["pool"] == {"created": 0, "updated": 1, "unchanged": 1, "deleted": 1}
    assert {(one["kind"], one["act"]) for one in dry["objects"]} == {
        ("pool", "update"), ("pool", "delete"), ("backend", "update"), ("route", "delete"),
    }  # fmt: skip
    merged = bring(full, body, query="mode=merge")
    assert merged["counts"]["pool"] == {"created": 0, "updated": 1, "unchanged": 1, "deleted": 0}
    with tenant_scope(full.tenant):
        assert (Pool.objects.count(), Route.objects.count()) == (3, 2)
    bring(full, body, query="mode=replace")
    assert json.loads(text(full, "json"))["pools"] == document["pools"]
    with tenant_scope(full.tenant):
        assert (Pool.objects.count(), Route.objects.count()) == (2, 1)


def test_d4_a_bad_one_of_forty_changes_nothing_and_is_pointed_at(full: Fleet) -> None:
    before = text(full, "json")
    pools = [{"name": f"p{n}", "backends": [{"address": f"10.0.1.{n}:80"}]} for n in range(40)]
    pools[37]["backends"] = [{"address": "10.0.1.37"}]
    document = {"format": "veloflux/1", "pools": pools, "routes": [{"host": "a b", "pool": "p1"}]}
    refused = bring(full, json.dumps(document), status=422)
    assert [one["pointer"] for one in refused["errors"]] == ["/pools/37/backends/0/address", "/routes/0/host"]
    assert text(full, "json") == before


def test_a_pool_that_is_not_there_is_named(full: Fleet) -> None:
    document = {"format": "veloflux/1", "routes": [{"host": "b.test", "pool": "nowhere"}]}
    refused = bring(full, json.dumps(document), status=422)
    assert (refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == ("/routes/0/pool", "unknown_pool")


def test_a15_no_secret_is_in_it_and_none_is_lost_by_it(fleet: Fleet) -> None:
    pool = build.pool(fleet.tenant, name="shop", check_headers={"X-Key": "hush"})
    for form in ("json", "yaml", "haproxy", "terraform"):
        assert "hush" not in text(fleet, form)
        assert "X-Key" in text(fleet, form)
    first = text(fleet, "json")
    assert bring(fleet, first)["counts"]["pool"]["unchanged"] == 1
    with tenant_scope(fleet.tenant):
        assert Pool.objects.get(pk=pool.pk).check_headers == {"X-Key": "hush"}
    wipe(fleet)
    assert bring(fleet, first)["notes"] == [
        "/pools/0/health_check/headers/X-Key: its value is not in the document; set it again."
    ]


def test_ids_are_no_part_of_a_document(full: Fleet, committed: World) -> None:
    theirs = build.pool(committed.theirs)
    assert theirs.pk not in text(full, "json")
    document = {"format": "veloflux/1", "pools": [{"id": theirs.pk, "name": "mine"}]}
    assert bring(full, json.dumps(document), status=422)["errors"][0]["pointer"] == "/pools/0/id"
    document = {"format": "veloflux/1", "routes": [{"host": "b.test", "pool": theirs.pk}]}
    assert bring(full, json.dumps(document), status=422)["errors"][0]["code"] == "unknown_pool"


BOMB = "a: &a [x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(8))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (BOMB, 422),
        ("!!python/object/apply:os.system ['true']", 422),
        ("format: veloflux/1\nformat: veloflux/1\n", 422),
        ("[" * 5000, 422),
        ("- a\n- b\n", 422),
        ("format: veloflux/2\n", 422),
        ("format: veloflux/1\npools: 7\n", 422),
        ("format: veloflux/1\npools: [7]\n", 422),
        ("format: veloflux/1\nsecrets: []\n", 422),
        ('format: veloflux/1\npools: [{name: "a\\u0007b"}]\n', 422),
        ("format: veloflux/1\npools: [{name: x, 7: y}]\n", 422),
        ("? {a: b}\n: c\n", 422),
        ("\x00", 422),
        ("format: veloflux/1\npools:\n" + "- {name: x}\n" * 20_000, 413),
        ("x" * (2 * 1024 * 1024 + 1), 413),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_document_is_refused_and_bounded(fleet: Fleet, body: str, status: int) -> None:
    bring(fleet, body, "yaml", status=status)


def test_a_moment_in_yaml_is_text_as_in_json(fleet: Fleet) -> None:
    bring(fleet, "format: veloflux/1\npools: [{name: 2026-11-22}]\n", "yaml")
    with tenant_scope(fleet.tenant):
        assert Pool.objects.get().name == "2026-11-22"


def test_yaml_and_json_say_the_same(full: Fleet) -> None:
    assert yaml.safe_load(text(full, "yaml")) == json.loads(text(full, "json"))


def test_terraform_points_from_one_resource_to_another(full: Fleet) -> None:
    shown = text(full, "terraform")
    assert shown.count('resource "veloflux_pool"') == 3
    assert shown.count("  pool = veloflux_pool.shop_7_x.id") == 4
    assert shown.count("  pool = veloflux_pool.db.id") == shown.count('resource "veloflux_listener"') == 2
    assert shown.count('resource "veloflux_security_headers" "this"') == 1
    assert shown.count("  backup_pool = veloflux_pool.shop_7_x.id") == 1
    assert 'name = "shop \\"7\\" $${x}"' in shown


def test_haproxys_own_words_are_the_tenants_alone(full: Fleet, committed: World) -> None:
    theirs = build.route(committed.theirs, host="theirs.test")
    shown = text(full, "haproxy")
    assert f"backend {full.tenant.key}_" in shown
    assert "theirs.test" not in shown
    assert str(theirs.pool_id) not in shown
    assert "/run/" not in shown


def sources(serializer: Any) -> Iterator[str]:
    """Columns that a document sets."""
    for name, field in serializer.fields.items():
        if isinstance(field, serializers.Serializer) and field.source == "*":
            yield from sources(field)
        else:
            yield field.source or name


@pytest.mark.parametrize("kind", FORMS)
def test_every_column_is_in_a_document(kind: str) -> None:
    """A field that is added to a model and not to its serializer fails here: an export would forget it."""
    columns = {field.attname for field in objects.KINDS[kind]._meta.concrete_fields} - NOT_IN_A_DOCUMENT
    said = set(sources(portable.writable(FORMS[kind].serializer())))
    assert columns - said - SAID_OTHERWISE.get(kind, set()) == set()


def test_a15_the_configuration_says_what_runs_where(full: Fleet) -> None:
    full.cut()
    shown = full.get("config")
    assert (shown["revision"], shown["drift"], shown["waiting"]) == (1, True, 0)
    full.live()
    build.backend(full.tenant)
    shown = full.get("config")
    assert (shown["drift"], shown["waiting"], shown["deploy"]) == (False, 2, "automatic")
    assert shown["nodes"] == [{"node": n, "revision": 1, "state": "live", "in_step": True} for n in ("n1", "n2")]
    assert shown["desired"] == json.loads(text(full, "json"))


def test_a_reload_deploys_what_is_due_and_asks_every_node(full: Fleet) -> None:
    answer = full.post("reload", status=202)
    assert (answer["revision"], answer["nodes"]) == (1, ["n1", "n2"])
    assert full.last_told("n1")["force_reload"] is True
    assert full.last_told("n2")["force_reload"] is True
    again = full.post("reload", {"force": False}, status=202)
    assert (again["revision"], again["nodes"]) == (1, [])
