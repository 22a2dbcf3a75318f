"""The audit trail as its readers get it: filters, pages, files; and what gets into it through the doors."""

import asyncio
import contextvars
import csv
import io
import json
import unicodedata
from datetime import timedelta
from typing import Any

import pytest
from django.test import AsyncRequestFactory, Client
from django.utils import timezone

from balancer.live import passes
from tenants.actor import SYSTEM, Actor
from tenants.models import AuditEntry, Tenant
from tenants.queries import audit as trail
from tenants.restkit import export
from tenants.roles import Role
from tenants.scope import platform_scope, tenant_scope
from tenants.services.trail import audit, refusals
from tests import build, cache_keys
from tests.conftest import World

pytestmark = pytest.mark.django_db


def write(tenant: Tenant | None, act: str, **values: Any) -> AuditEntry:
    values = {"by": SYSTEM, "now": timezone.now(), **values}
    return audit.record(act, tenant=tenant, **values)


def entries(tenant: Tenant | None, **wanted: Any) -> list[AuditEntry]:
    with platform_scope():
        return list(AuditEntry.objects.filter(tenant_id=tenant.pk if tenant else "", **wanted).order_by("pk"))


def acts(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["act"] for row in response.json()["items"]]


def test_f16_a_change_is_in_the_trail_with_who_and_before_and_after(world: World) -> None:
    pool = build.pool(world.ours)
    backend = build.backend(world.ours, pool, weight=100)
    response = build.api(world.owner, world.ours).post(
        f"/api/backends/{backend.pk}/weight", {"weight": 7}, **{"X-Request-ID": "req-77"}
    )
    assert response.status_code == 200, response.content
    [row] = [one for one in entries(world.ours) if one.act == "backend.weight"]
    assert (row.before, row.after) == ({"weight": 100}, {"weight": 7})
    assert (row.actor, row.actor_id, row.through, row.address) == (
        "owner@ours.test",
        world.owner.pk,
        "jwt",
        "127.0.0.1",
    )
    assert (row.kind, row.object_id, row.request_id, row.outcome) == ("backend", backend.pk, "req-77", "done")


def test_f16_a_change_that_fails_leaves_no_entry(world: World) -> None:
    count = len(entries(world.ours))
    assert build.api(world.owner, world.ours).post("/api/pools", {"name": "", "retries": 900}).status_code == 422
    assert len(entries(world.ours)) == count


@pytest.mark.parametrize("method", ["put", "patch", "delete", "post"])
def test_f16_no_method_of_the_api_changes_an_entry(world: World, method: str) -> None:
    row = write(world.ours, "thing.done")
    client = build.api(world.owner, world.ours)
    for path in ("/api/audit", f"/api/audit/{row.pk}", f"/api/tenants/{world.ours.slug}/audit/{row.pk}"):
        assert client(method.upper(), path, {"actor": "nobody"}).status_code == 405
    assert entries(world.ours, pk=row.pk)[0].actor == "system"


def test_f16_staffs_pages_show_it_and_change_nothing(world: World) -> None:
    row = write(world.ours, "thing.done", name="looked at")
    browser = Client()
    browser.force_login(build.staff())
    url = "/staff/tenants/auditentry/"
    assert "looked at" in browser.get(url).content.decode()
    assert browser.get(f"{url}{row.pk}/change/").status_code == 200
    assert browser.post(f"{url}{row.pk}/change/", {"actor": "nobody"}).status_code == 403
    assert browser.post(f"{url}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert browser.post(f"{url}add/", {"act": "x"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    browser.post(url, chosen)
    assert [one.actor for one in entries(world.ours, pk=row.pk)] == ["system"]


def test_f16_it_is_filtered_searched_and_paged_from_the_newest(world: World) -> None:
    old = timezone.now() - timedelta(days=9)
    write(world.ours, "a.old", now=old, name="first thing")
    write(world.ours, "member.role", by=Actor(world.owner.pk, "session", name="o@ours.test"), thing=world.viewer)
    write(world.ours, "member.remove", outcome="refused", detail="last owner")
    write(world.theirs, "a.theirs")
    api = build.api(world.owner, world.ours)
    assert acts(api.get("/api/audit?act=member.")) == ["member.remove", "member.role"]
    assert acts(api.get("/api/audit?act=member.role")) == ["member.role"]
    assert acts(api.get("/api/audit?actor=O@ours.test")) == ["member.role"]
    assert acts(api.get(f"/api/audit?object={world.viewer.pk}&kind=user")) == ["member.role"]
    assert acts(api.get("/api/audit?outcome=refused&act=member.")) == ["member.remove"]
    assert acts(api.get("/api/audit?search=LAST+own")) == ["member.remove"]
    before = (old + timedelta(days=1)).isoformat().replace("+", "%2B")
    assert acts(api.get(f"/api/audit?to={before}")) == ["a.old"]
    assert "a.old" not in acts(api.get(f"/api/audit?from={before}"))
    assert "a.theirs" not in acts(api.get("/api/audit?page_size=500"))
    for wrong in ("from=yesterday", "outcome=maybe", "page=2", "before=x", "ordering=-at", "acts=x"):
        assert api.get(f"/api/audit?{wrong}").status_code == 422, wrong


def test_f16_pages_go_on_where_they_ended_whatever_is_added_meanwhile(world: World) -> None:
    for number in range(5):
        write(world.ours, f"page.n{number}")
    api = build.api(world.owner, world.ours)
    first = api.get("/api/audit?act=page.&page_size=2").json()
    write(world.ours, "page.n5")
    assert [row["act"] for row in first["items"]] == ["page.n4", "page.n3"]
    assert (first["total_count"], first["has_more"]) == (5, True)
    second = api.get(first["next"].removeprefix("http://testserver")).json()
    third = api.get(second["next"].removeprefix("http://testserver")).json()
    assert [row["act"] for row in (*second["items"], *third["items"])] == ["page.n2", "page.n1", "page.n0"]
    assert (third["has_more"], third["next"]) == (False, None)


@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 200), (Role.OPERATOR, 403), (Role.VIEWER, 403)])
def test_f16_it_is_for_those_who_answer_for_people(world: World, role: Role, status: int) -> None:
    api = build.api(build.member(world.ours, role), world.ours)
    for path in ("/api/audit", "/api/audit/export", f"/api/tenants/{world.ours.slug}/audit"):
        assert api.get(path).status_code == status


NASTY = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", '=HYPERLINK("http://x","y")', "a,b", 'a"b', "a\r\nb", "\u2028x"]
NASTY += ["＝1+1", "＋1", "－1", "＠SUM(A1)", "\ufeff=1", "\u200b=1", "\u200e+1"]  # some read them as the plain ones


def streamed(response: Any) -> str:
    """As a server reads it: when the request, and its scope, are long over."""
    whole: bytes = contextvars.Context().run(lambda: b"".join(response.streaming_content))
    return whole.decode()


def test_f16_the_csv_is_text_to_a_spreadsheet(world: World) -> None:
    for text in NASTY:
        write(world.ours, "csv.row", name=text, after={"note": text})
    response = build.api(world.owner, world.ours).get("/api/audit/export?format=csv&act=csv.row")
    assert response.headers["Content-Type"].startswith("text/csv")
    assert response.headers["Content-Disposition"] == 'attachment; filename="audit-ours.csv"'
    rows = list(csv.DictReader(io.StringIO(streamed(response), newline="")))
    assert [row["name"].removeprefix("'") for row in reversed(rows)] == NASTY
    for row in rows:
        for value in row.values():
            plain = unicodedata.normalize("NFKC", value).lstrip("\ufeff\u200b\u200e \t\r\n")
            assert not plain.startswith(("=", "+", "-", "@")), value
    with platform_scope():
        assert AuditEntry.objects.filter(tenant_id=world.ours.pk, act="audit.export", name="csv").count() == 1


def test_f16_the_json_lines_are_the_entries_with_their_chain(world: World) -> None:
    write(world.ours, "json.row", after={"role": "ownér"})
    row = write(world.ours, "json.row")
    text = streamed(build.api(world.owner, world.ours).get("/api/audit/export?format=jsonl&act=json.row"))
    found = [json.loads(line) for line in text.splitlines()]
    assert [one["id"] for one in found] == [str(row.pk), found[1]["id"]]
    assert found[0]["previous"] == found[1]["digest"]
    assert found[1]["after"] == {"role": "ownér"}
    assert build.api(world.owner, world.ours).get("/api/audit/export?format=xml").status_code == 422


def test_f16_a_file_is_read_in_batches_in_its_own_scope(world: World) -> None:
    for number in range(7):
        write(world.ours, f"batch.n{number}")
    write(world.theirs, "batch.theirs")
    with tenant_scope(world.ours):
        found = trail.batches(AuditEntry.objects.filter(act__startswith="batch."), at_once=3)
    with tenant_scope(world.theirs):
        sizes = [[row.act for row in batch] for batch in found]
    assert [len(rows) for rows in sizes] == [3, 3, 1]
    assert sizes[0][0] == "batch.n6"


def test_f16_a_file_is_read_after_its_request_is_over(world: World) -> None:
    """As a real server does it: nothing of the request's scope is left by then."""
    write(world.ours, "late.row")
    response = build.api(world.owner, world.ours).get("/api/audit/export?format=jsonl&act=late.row")
    assert '"late.row"' in contextvars.Context().run(streamed, response)


def test_f16_under_asgi_a_file_is_sent_while_it_is_read() -> None:
    read: list[int] = []

    def batches() -> Any:
        for number in range(3):
            read.append(number)
            yield [{"a": number}]

    async def ask() -> list[tuple[str, int]]:
        made = AsyncRequestFactory().get("/")
        response = export.answer(made, batches(), columns=["a"], kind=export.Format.JSONL, name="x")
        return [(bytes(part).decode(), len(read)) async for part in response]

    assert asyncio.run(ask()) == [('{"a": 0}\n', 1), ('{"a": 1}\n', 2), ('{"a": 2}\n', 3)]


def test_f16_a_refusal_of_a_member_is_in_his_tenants_trail(world: World) -> None:
    assert build.api(world.viewer, world.ours).post("/api/pools", {"name": "x"}).status_code == 403
    assert build.api(world.viewer, world.ours).get("/api/audit").status_code == 403
    [row] = entries(world.ours, act="request.refuse")
    assert (row.name, row.outcome, row.actor) == ("POST /api/pools", "refused", "viewer@ours.test")
    assert row.detail.startswith("forbidden: ")


def test_f16_a_refusal_of_a_page_is_in_the_trail_too(world: World) -> None:
    browser = Client()
    browser.force_login(world.viewer)
    assert browser.post("/t/ours/pools/new", {"name": "x"}).status_code == 403
    assert [row.name for row in entries(world.ours, act="request.refuse")] == ["POST /t/ours/pools/new"]


def test_f16_a_bad_credential_is_in_the_platforms_trail_and_holds_none_of_it(world: World) -> None:
    for credential in ("Bearer vf_aaaaaaaaaaaa_guess", "Bearer eyJ.x.y"):
        assert build.Api(credential).post("/api/pools", {"name": "x"}).status_code == 401
    rows = entries(None, act="request.refuse")
    assert [row.address for row in rows] == ["127.0.0.1"] * 2
    assert not any("guess" in str(vars(row)) or "eyJ" in str(vars(row)) for row in rows)


def test_f16_whoever_wants_to_fill_the_trail_fills_little(world: World) -> None:
    api = build.api(world.viewer, world.ours)
    for _ in range(refusals.EACH + 15):
        api.post("/api/pools", {"name": "x"})
    rows = entries(world.ours, act="request.refuse")
    assert len(rows) == refusals.EACH + 1
    assert refusals.MORE in rows[-1].detail
    assert build.api(build.member(world.ours, Role.VIEWER), world.ours).post("/api/pools", {}).status_code == 403
    assert len(entries(world.ours, act="request.refuse")) == refusals.EACH + 2


def test_f16_many_addresses_fill_little_together(world: World) -> None:
    for number in range(refusals.UNKNOWN + 30):
        address = f"2001:db8:{number:x}::1"
        by = Actor(None, "nobody", address=address)
        refusals.note("POST /x", code="invalid_token", detail="no", by=by, tenant=world.ours, now=timezone.now())
    assert len(entries(None, act="request.refuse")) == refusals.UNKNOWN + 1
    assert entries(world.ours, act="request.refuse") == []
    cache_keys.start_anew()
    for number in range(refusals.EACH + 5):  # one /64 is one caller
        by = Actor(None, "nobody", address=f"2001:db8::{number:x}")
        refusals.note("POST /y", code="invalid_token", detail="no", by=by, tenant=None, now=timezone.now())
    assert len(entries(None, name="POST /y")) == refusals.EACH + 1


def test_f16_staff_who_look_in_leave_a_line_and_members_none(world: World) -> None:
    staff = build.staff()
    api = build.api(staff)
    for _ in range(3):
        assert api.get("/api/tenants/ours/pools").status_code == 200
    assert api.get("/api/tenants/ours/routes").status_code == 200
    rows = entries(world.ours, act="staff.access")
    assert [(row.name, row.actor) for row in rows] == [
        ("GET /api/tenants/ours/pools", staff.email),
        ("GET /api/tenants/ours/routes", staff.email),
    ]
    build.join(staff, world.ours, Role.VIEWER)
    assert api.get("/api/tenants/ours/deployments").status_code == 200
    assert len(entries(world.ours, act="staff.access")) == 2
    assert entries(world.theirs, act="staff.access") == []


def test_f16_staff_who_listen_in_leave_a_line_too(world: World) -> None:
    staff, tenant = build.staff(), world.ours
    protocols = ("veloflux", f"bearer.{build.token(staff)}")
    for _ in range(2):
        passes.of_socket(passes.Shown(protocols, None, tenant.slug, None, "testserver"), now=timezone.now())
    assert [(row.name, row.actor) for row in entries(tenant, act="staff.access")] == [("live view", staff.email)]
