"""An haproxy.cfg through the API: looked at first, all or nothing, and what is refused points at its line."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from balancer.fleet.models import Edit
from balancer.models import Backend, Listener, Pool, Route
from balancer.queries import objects
from tenants.scope import platform_scope, tenant_scope
from tests import build
from tests.conftest import World
from tests.db.changes.conftest import Fleet

FIRST = settings.TCP_PORTS[0]
CFG = f"""\
global
    maxconn 500
defaults
    mode http
    timeout connect 3s
frontend web
    bind :80
    use_backend api if {{ path_beg /api }}
    default_backend site
backend site
    server one 127.0.0.1:9001 check
backend api
    server two 127.0.0.1:9002
listen db
    mode tcp
    bind :{FIRST + 4}
    server db1 127.0.0.1:9003
"""
LUA = CFG.replace("    default_backend site\n", "    default_backend site\n    http-request lua.check\n")


def bring(fleet: Fleet, text: str, query: str = "host=a.test", status: int = 200, verb: str = "import") -> Any:
    client = Client(headers={"Authorization": fleet.api.credential or ""})
    got = client.post(f"/api/config/{verb}?{query}", data=text, content_type="text/plain")
    assert got.status_code == status, got.content
    return got.json()


def everything(fleet: Fleet) -> Any:
    with platform_scope():
        edits = Edit.objects.count()
    with tenant_scope(fleet.tenant):
        return objects.current(), edits


def test_a_file_becomes_objects_in_one_revision(fleet: Fleet) -> None:
    before = everything(fleet)
    dry = bring(fleet, CFG, "host=a.test&dry_run=true")
    assert (everything(fleet), dry["change"]) == (before, None)
    done = bring(fleet, CFG)
    assert done["lines"] == dry["lines"]
    assert [(one["line"], one["text"]) for one in done["lines"]] == list(enumerate(CFG.splitlines(), 1))
    assert done["fates"] == {"managed": 13, "note": 4, "refused": 0}
    assert {kind: one["created"] for kind, one in done["counts"].items()} == {
        "pool": 3, "backend": 3, "route": 2, "listener": 1, "protection": 0,
    }  # fmt: skip
    with tenant_scope(fleet.tenant):
        assert [(one.path_prefix, one.pool.name) for one in Route.objects.order_by("-priority") if one.pool] == [
            ("^/api", "api"), ("/", "site"),
        ]  # fmt: skip
        assert Listener.objects.get().port == FIRST + 4
        assert Pool.objects.get(name="site").check_type == "tcp"
        assert Backend.objects.get(port=9001).description == "server one"
    made = fleet.cut()
    assert made is not None
    assert made.number == 1


def test_the_same_file_twice_changes_nothing(fleet: Fleet) -> None:
    text = CFG.replace(f":{FIRST + 4}", ":3306")  # another port is given
    bring(fleet, text)
    again = bring(fleet, text, "host=a.test&mode=replace")
    assert again["change"] is None
    assert again["counts"]["listener"] == {"created": 0, "updated": 0, "unchanged": 1, "deleted": 0}
    line = next(one for one in again["lines"] if "bind :3306" in one["text"])
    assert (line["fate"], line["sentence"]) == (
        "managed", "Port 3306 is not one that tenants have here: another one is given.",
    )  # fmt: skip


def test_what_it_becomes_can_be_taken_along(fleet: Fleet) -> None:
    bring(fleet, CFG)
    document = fleet.get("config/export?format=json")
    assert fleet.post("config/import?mode=replace", document)["change"] is None


def test_refused_lines_are_seen_before_anything_is_imported(fleet: Fleet) -> None:
    before = everything(fleet)
    refused = bring(fleet, LUA, status=422)
    assert refused["code"] == "lines_refused"
    assert [one["pointer"] for one in refused["errors"]] == ["/lines/10"]
    assert everything(fleet) == before
    assert bring(fleet, LUA, "host=a.test&dry_run=true")["fates"]["refused"] == 1
    assert bring(fleet, LUA, "host=a.test&partial=true")["counts"]["route"]["created"] == 2


def test_a_host_is_asked_for_at_its_pointer(fleet: Fleet) -> None:
    for query in ("", "dry_run=true", "host="):
        refused = bring(fleet, CFG, query, status=422)
        assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [("/host", "required")]
    assert bring(fleet, CFG, "host=a b", status=422)["errors"][0]["pointer"] == "/host"
    named = bring(fleet, CFG, "host=a.test,b.test&dry_run=true")
    assert named["counts"]["route"]["created"] == 4
    assert named["notes"] == ["Served here are a.test, b.test; for any other host, name it with “host”."]


def test_what_our_own_rules_refuse_points_at_the_line(fleet: Fleet, committed: World) -> None:
    before = everything(fleet)
    build.listener(committed.theirs, port=FIRST + 4)
    text = CFG.replace("127.0.0.1:9002", "169.254.169.254:80")
    refused = bring(fleet, text, status=422)
    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [
        ("/lines/13", "invalid"), ("/lines/16", "port_taken"),
    ]  # fmt: skip
    assert everything(fleet)[0] == before[0]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("x\n" * 100_000, 422),
        ("\\" * 1_000_000, 422),
        ("frontend a\x00", 422),
        ("", 422),
        ("'" * 3_000_000, 413),
        ("frontend f\n mode http\n default_backend f\n" + " acl a path " + "'\"" * 1000, 422),
    ],
    ids=lambda value: str(value)[:16],
)
def test_what_is_no_configuration_is_refused_and_bounded(fleet: Fleet, text: str, status: int) -> None:
    bring(fleet, text, status=status)


def test_it_is_judged_as_a_document_is(fleet: Fleet) -> None:
    before = everything(fleet)
    assert bring(fleet, CFG, verb="validate")["valid"] is True
    assert everything(fleet) == before


def test_the_format_is_what_the_body_is(fleet: Fleet) -> None:
    assert bring(fleet, "format: veloflux/1\npools: [{name: x}]\n", "format=yaml")["counts"]["pool"]["created"] == 1
    assert bring(fleet, CFG, "format=xml", status=422)["errors"][0]["pointer"] == "/format"
    refused = fleet.api.post("/api/config/import?format=haproxy", {"format": "veloflux/1"})
    assert refused.json()["errors"][0]["pointer"] == "/format"
