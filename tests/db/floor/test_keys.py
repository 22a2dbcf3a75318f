"""What machines show: keys with less than their role, seen at most once a minute; and who may use HTTP Basic."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.models import ApiKey, AuditEntry, SignIn
from tenants.roles import Role
from tenants.scope import platform_scope
from tests import build
from tests.conftest import World

pytestmark = pytest.mark.django_db


def make(api: build.Api, **values: Any) -> Any:
    return api.post("/api/keys", {"name": "ci", **values})


def of(answer: Any) -> build.Api:
    assert answer.status_code == 201, answer.content
    return build.Api(f"Bearer {answer.json()['key']}")


def row(answer: Any) -> ApiKey:
    with platform_scope():
        return ApiKey.objects.get(pk=answer.json()["id"])


def test_a17_a_key_may_no_more_than_its_scopes(world: World) -> None:
    owner = build.api(world.owner, world.ours)
    pool = build.pool(world.ours)
    backend = build.backend(world.ours, pool)
    key = of(make(owner, role="operator", scopes=["view", "runtime"]))
    assert key.get("/api/pools").status_code == 200
    assert key.post(f"/api/backends/{backend.pk}/weight", {"weight": 3}).status_code == 200
    for answer in (key.post("/api/pools", {"name": "x"}), key.delete(f"/api/pools/{pool.pk}")):
        assert (answer.status_code, answer.json()["needed"]) == (403, "edit")
    blind = of(make(owner, role="operator", scopes=["runtime"]))
    assert blind.get("/api/pools").status_code == 403


def test_a17_a_scope_beyond_the_role_is_refused(world: World) -> None:
    answer = make(build.api(world.owner, world.ours), role="viewer", scopes=["view", "edit"])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/scopes")
    assert make(build.api(world.owner, world.ours), scopes=["rule"]).status_code == 422


def test_a17_a_narrow_key_makes_no_wider_one(world: World) -> None:
    narrow = of(make(build.api(world.owner, world.ours), role="operator", scopes=["view", "edit"]))
    assert make(narrow, role="operator").status_code == 422
    assert make(narrow, role="operator", scopes=["view", "edit", "deploy"]).status_code == 422
    assert make(narrow, role="operator", scopes=["view"]).status_code == 201


def test_a17_a_key_that_ended_or_was_revoked_is_401_at_once(world: World) -> None:
    owner = build.api(world.owner, world.ours)
    answer = make(owner, expires_at=(timezone.now() + timedelta(hours=1)).isoformat())
    key = of(answer)
    assert key.get("/api/pools").status_code == 200
    with platform_scope():
        ApiKey.objects.filter(pk=answer.json()["id"]).update(expires_at=timezone.now())
    assert (key.get("/api/pools").status_code, key.get("/api/pools").json()["code"]) == (401, "invalid_key")
    other = make(owner)
    assert of(other).get("/api/pools").status_code == 200
    assert owner.delete(f"/api/keys/{other.json()['id']}").status_code == 204
    assert of(other).get("/api/pools").status_code == 401
    assert make(owner, expires_at=timezone.now().isoformat()).status_code == 422


def test_a17_the_whole_key_is_shown_once_and_kept_nowhere(world: World) -> None:
    owner = build.api(world.owner, world.ours)
    answer = make(owner)
    whole = answer.json()["key"]
    shown = owner.get(f"/api/keys/{answer.json()['id']}")
    assert "key" not in shown.json()
    assert whole.split("_", 2)[2] not in shown.content.decode() + str(vars(row(answer)))
    with platform_scope():
        assert not AuditEntry.objects.filter(after__icontains=whole.split("_", 2)[2]).exists()


def test_a17_when_and_from_where_it_was_used_is_written_once_a_minute(world: World) -> None:
    answer = make(build.api(world.owner, world.ours))
    whole = answer.json()["key"]

    def use(address: str) -> int:
        client = Client(headers={"Authorization": f"Bearer {whole}"}, REMOTE_ADDR=address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/api/pools").status_code == 200
        return sum('UPDATE "tenants_apikey"' in query["sql"] for query in queries)

    assert [use("198.51.100.1"), use("198.51.100.2"), use("198.51.100.3")] == [1, 0, 0]
    assert row(answer).last_used_from == "198.51.100.1"
    with platform_scope():
        ApiKey.objects.filter(pk=answer.json()["id"]).update(last_used_at=timezone.now() - timedelta(seconds=61))
    assert [use("2001:db8::7"), use("198.51.100.2")] == [1, 0]
    assert row(answer).last_used_from == "2001:db8::7"


def test_a17_making_and_revoking_is_in_the_trail(world: World) -> None:
    owner = build.api(world.owner, world.ours)
    answer = make(owner, role="operator", scopes=["view"])
    owner.delete(f"/api/keys/{answer.json()['id']}")
    with platform_scope():
        rows = list(AuditEntry.objects.filter(tenant_id=world.ours.pk, kind="apikey").order_by("pk"))
    assert [one.act for one in rows] == ["key.create", "key.revoke"]
    assert rows[0].after["scopes"] == ["view"]
    assert {one.object_id for one in rows} == {answer.json()["id"]}


@pytest.mark.parametrize(("role", "status"), [("owner", 403), ("admin", 403), ("operator", 201), ("viewer", 201)])
def test_a17_a_powerful_key_asks_who_it_is_again(world: World, role: str, status: int) -> None:
    api = build.api(world.owner, world.ours)
    with platform_scope():
        SignIn.objects.update(proven_at=timezone.now() - timedelta(hours=1))
    answer = make(api, role=role)
    assert answer.status_code == status
    assert status == 201 or answer.json()["code"] == "reauthentication_required"


# HTTP Basic.


def basic(email: str, password: str = build.PASSWORD) -> build.Api:
    return build.Api("Basic " + base64.b64encode(f"{email}:{password}".encode()).decode())


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.OWNER, 200), (Role.ADMIN, 200), (Role.OPERATOR, 200), (Role.VIEWER, 403), (Role.BILLING, 403)],
)
def test_a17_basic_is_for_operators(world: World, role: Role, status: int) -> None:
    person = build.member(world.ours, role, password=build.PASSWORD)
    answer = basic(person.email).get("/api/pools")
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "basic_not_allowed"


def test_a17_basic_is_for_staff(world: World) -> None:
    staff = build.staff(password=build.PASSWORD)
    assert basic(staff.email).get("/api/tenants/ours/pools").status_code == 200


def test_a17_a_wrong_password_is_401_with_a_challenge_and_then_429(world: World, settings: Any) -> None:
    settings.DEMO = False
    person = build.member(world.ours, Role.OPERATOR, password=build.PASSWORD)
    answers = [basic(person.email, "wrong").get("/api/pools") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert all("Basic" in answer.headers["WWW-Authenticate"] for answer in answers[:5])
    assert "Retry-After" in answers[5].headers
    assert basic(person.email).get("/api/pools").status_code == 429


def test_a17_basic_is_not_taken_in_the_clear_where_there_is_https(world: World, settings: Any) -> None:
    person = build.member(world.ours, Role.OPERATOR, password=build.PASSWORD)
    settings.BASE_URL = "https://testserver"
    assert basic(person.email).get("/api/pools").status_code == 401
    header = {"Authorization": basic(person.email).credential or ""}
    assert Client(headers=header).get("/api/pools", secure=True).status_code == 200
