"""What every endpoint does alike: problems, pages, filters, ETag, Idempotency-Key, and input that cannot be stored."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from psycopg_pool import PoolTimeout

from balancer.models import Pool
from tenants.restkit import idempotency, parsers
from tenants.scope import tenant_scope
from tests import build
from tests.conftest import World
from tests.db.restkit.routes import Endpoint, endpoints, ids_for

pytestmark = pytest.mark.django_db
PROBLEM = {"type", "title", "status", "detail", "code", "request_id", "errors"}


@pytest.fixture
def api(world: World) -> build.Api:
    return build.api(world.owner, world.ours)


def raw(world: World, body: bytes | str, content_type: str = "application/json") -> Any:
    credential = build.api(world.owner, world.ours).credential or ""
    return Client(headers={"Authorization": credential}).post("/api/pools", data=body, content_type=content_type)


def pools_of(world: World) -> int:
    with tenant_scope(world.ours):
        return Pool.objects.count()


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{", "application/json", 400, "malformed"),
        ("[]", "application/json", 400, "malformed"),
        ('"x"', "application/json", 400, "malformed"),
        (b"\xff\xfe", "application/json", 400, "malformed"),
        ('{"name": NaN}', "application/json", 400, "malformed"),
        ('{"retries": ' + "9" * 5000 + "}", "application/json", 400, "malformed"),
        ("[" * 100_000, "application/json", 400, "malformed"),
        ('{"name": ' + "[" * 100_000, "application/json", 400, "malformed"),
        ("name=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"x" * (parsers.MOST + 1), "application/json", 413, "too_large"),
        (b"x" * (parsers.MOST * 2), "application/json", 413, "too_large"),
        ('{"name": "a\\u0000b"}', "application/json", 422, "invalid"),
        ('{"name": "a\\ud800b"}', "application/json", 422, "invalid"),
        ('{"na\\u0007me": "ab"}', "application/json", 422, "invalid"),
        ('{"retries": ' + "9" * 400 + "}", "application/json", 422, "invalid"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_read_is_said_so_and_nothing_is_stored(
    world: World, body: bytes | str, content_type: str, status: int, code: str
) -> None:
    response = raw(world, body, content_type)
    assert (response.status_code, response.json()["code"]) == (status, code), response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    assert set(response.json()) >= PROBLEM
    assert response.json()["request_id"]
    assert pools_of(world) == 0


def test_an_error_points_into_what_was_sent(api: build.Api) -> None:
    response = api.post("/api/pools", {"name": "x", "health_check": {"rise": 0, "odd": 1}, "tags": ["ok", 7, "\x01"]})
    assert response.status_code == 422
    assert {error["pointer"] for error in response.json()["errors"]} == {"/tags/2"}
    response = api.post("/api/pools", {"name": "x", "health_check": {"rise": 0}, "wieght": 3})
    assert {error["pointer"] for error in response.json()["errors"]} >= {"/wieght"}
    response = api.post("/api/pools", {"name": "x", "health_check": {"rise": 0}})
    assert {error["pointer"] for error in response.json()["errors"]} == {"/health_check/rise"}


@pytest.mark.parametrize("path", ["/api/pools", "/api/pools/", "/api/tenants/ours/pools", "/api/tenants/ours/pools/"])
def test_no_trailing_slash_is_required_and_one_is_tolerated(api: build.Api, path: str) -> None:
    assert api.get(path).status_code == 200


def test_a_tenant_is_named_by_id_as_well(world: World, api: build.Api) -> None:
    assert api.get(f"/api/tenants/{world.ours.pk}/pools").status_code == 200


def test_a3_a_list_comes_in_pages(world: World, api: build.Api) -> None:
    for number in range(5):
        build.pool(world.ours, name=f"p{number}")
    first = api.get("/api/pools?page_size=2").json()
    assert [row["name"] for row in first["items"]] == ["p0", "p1"]
    assert (first["total_count"], first["page"], first["page_size"], first["has_more"]) == (5, 1, 2, True)
    second = api.get(first["next"].removeprefix("http://testserver")).json()
    assert [row["name"] for row in second["items"]] == ["p2", "p3"]
    last = api.get("/api/pools?page_size=2&page=3").json()
    assert (len(last["items"]), last["has_more"], last["next"]) == (1, False, None)
    assert api.get("/api/pools?page=900").json()["items"] == []


@pytest.mark.parametrize(
    "query", ["page=0", "page=x", "page=-1", "page=٣", "page_size=501", "page_size=0", "page=9" * 9]
)
def test_a_page_that_is_none_is_refused(api: build.Api, query: str) -> None:
    response = api.get(f"/api/pools?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] in ("/page", "/page_size")


def test_a3_lists_are_filtered_searched_and_ordered(world: World, api: build.Api) -> None:
    build.pool(world.ours, name="alpha", algorithm="least_conn")
    build.pool(world.ours, name="beta", description="about alpha")
    build.pool(world.ours, name="gamma")

    def names(query: str) -> list[str]:
        return [row["name"] for row in api.get(f"/api/pools?{query}").json()["items"]]

    assert names("algorithm=least_conn") == ["alpha"]
    assert names("search=alpha") == ["alpha", "beta"]
    assert names("ordering=-name") == ["gamma", "beta", "alpha"]
    for query in ("algoritm=least_conn", "ordering=password", "algorithm=none", "name=a%00b", "search=a%00b"):
        refused = api.get(f"/api/pools?{query}")
        assert refused.status_code == 422, query
        assert refused.json()["errors"], query


def test_a18_an_etag_protects_what_one_has_not_seen(world: World, api: build.Api) -> None:
    pool = build.pool(world.ours, name="before")
    path = f"/api/pools/{pool.pk}"
    seen = api.get(path).headers["ETag"]
    assert api.patch(path, {"name": "after"}, **{"If-Match": seen}).status_code == 200
    stale = api.patch(path, {"name": "lost"}, **{"If-Match": seen})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert api.delete(path, **{"If-Match": seen}).status_code == 412
    now = api.get(path)
    assert now.json()["name"] == "after"
    assert now.headers["ETag"] != seen
    assert api.patch(path, {"name": "any"}, **{"If-Match": "*"}).status_code == 200
    assert (
        api.patch(path, {"name": "one of"}, **{"If-Match": f'"x", {api.get(path).headers["ETag"]}'}).status_code == 200
    )


def test_one_key_is_one_effect_and_one_answer(world: World, api: build.Api) -> None:
    key = {"Idempotency-Key": "one"}
    first = api.post("/api/pools", {"name": "once"}, **key)
    again = api.post("/api/pools", {"name": "once"}, **key)
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers.get("ETag") == first.headers.get("ETag")
    assert pools_of(world) == 1
    other = api.post("/api/pools", {"name": "twice"}, **key)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert pools_of(world) == 1


def test_signing_up_twice_with_one_key_is_signing_up_once(world: World) -> None:
    new = {"email": "twice@person.test", "password": build.PASSWORD, "tenant_name": "Twice"}
    first = build.api().post("/api/auth/register", new, **{"Idempotency-Key": "up"})
    again = build.api().post("/api/auth/register", new, **{"Idempotency-Key": "up"})
    assert first.status_code == 201
    assert again.json() == first.json()
    guessed = build.api().post("/api/auth/register", new | {"password": "guess"}, **{"Idempotency-Key": "up"})
    assert guessed.status_code == 422


def test_a_key_belongs_to_a_credential_and_a_tenant(world: World, api: build.Api) -> None:
    key = {"Idempotency-Key": "same"}
    theirs = build.api(world.their_owner, world.theirs)
    assert api.post("/api/pools", {"name": "same"}, **key).status_code == 201
    mine = theirs.post("/api/pools", {"name": "same"}, **key)
    assert mine.status_code == 201
    assert "Idempotent-Replayed" not in mine.headers


def test_a_refusal_is_kept_and_a_failure_is_not(world: World, api: build.Api, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = api.post("/api/pools", {"name": ""}, **{"Idempotency-Key": "refused"})
    assert api.post("/api/pools", {"name": ""}, **{"Idempotency-Key": "refused"}).content == refused.content
    with monkeypatch.context() as broken:
        broken.setattr("balancer.services.pools.create", out_of_connections)
        assert api.post("/api/pools", {"name": "x"}, **{"Idempotency-Key": "failed"}).status_code == 503
    assert api.post("/api/pools", {"name": "x"}, **{"Idempotency-Key": "failed"}).status_code == 201
    with monkeypatch.context() as broken:
        broken.setattr("balancer.services.pools.create", a_bug)
        with pytest.raises(ZeroDivisionError):
            api.post("/api/pools", {"name": "y"}, **{"Idempotency-Key": "bug"})
    assert api.post("/api/pools", {"name": "y"}, **{"Idempotency-Key": "bug"}).status_code == 201


def out_of_connections(*_: Any, **__: Any) -> None:
    raise OperationalError("couldn't get a connection after 5.00 sec") from PoolTimeout("5 sec")


def a_bug(*_: Any, **__: Any) -> None:
    raise ZeroDivisionError


def test_when_connections_run_out_one_is_asked_to_come_again(api: build.Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("balancer.services.pools.create", out_of_connections)
    response = api.post("/api/pools", {"name": "x"})
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    monkeypatch.setattr("tenants.queries.people.sign_in", out_of_connections)  # already while finding out who asks
    response = api.get("/api/pools")
    assert (response.status_code, response.json()["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_two_at_once_with_one_key_are_not_both_done(world: World, api: build.Api) -> None:
    """The second does not wait: it is told to ask again."""
    claimed = idempotency.Kept("of another request that is still running")
    key = idempotency._hash(f"{world.ours.pk}|user:{world.owner.pk}", "busy")
    request_digest = idempotency._hash("POST", "/api/pools", json.dumps([{"name": "b"}, []]))
    cache.set(f"idempotency:{key}", claimed, 60)
    assert api.post("/api/pools", {"name": "b"}, **{"Idempotency-Key": "busy"}).status_code == 422
    cache.set(f"idempotency:{key}", idempotency.Kept(request_digest), 60)
    busy = api.post("/api/pools", {"name": "b"}, **{"Idempotency-Key": "busy"})
    assert (busy.status_code, busy.json()["code"], busy.headers["Retry-After"]) == (409, "in_progress", "1")
    assert pools_of(world) == 0


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_none_is_refused(api: build.Api, key: str) -> None:
    assert api.post("/api/pools", {"name": "x"}, **{"Idempotency-Key": key}).status_code == 422


def test_what_is_shown_once_does_not_lie_in_redis(world: World, api: build.Api) -> None:
    made = api.post("/api/keys", {"name": "ci"}, **{"Idempotency-Key": "sealed"})
    again = api.post("/api/keys", {"name": "ci"}, **{"Idempotency-Key": "sealed"})
    assert again.json()["key"] == made.json()["key"]
    kept = cache.get("idempotency:" + idempotency._hash(f"{world.ours.pk}|user:{world.owner.pk}", "sealed"))
    assert made.json()["key"].encode() not in kept.content


@pytest.mark.parametrize("path", ["/api/pools/%00", "/api/pools/x", "/api/tenants/%00/pools", "/api/tenants/../pools"])
def test_an_odd_path_is_not_found(api: build.Api, path: str) -> None:
    assert api.get(path).status_code == 404


def test_a_method_that_is_none(api: build.Api) -> None:
    response = api.patch("/api/pools", {})
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in response.headers["Allow"]
    assert api("OPTIONS", "/api/pools").status_code == 200


SHOWN = [e for e in endpoints() if e.method == "get" and e.action == "retrieve" and e.path.endswith("}")]


@pytest.mark.parametrize("endpoint", SHOWN, ids=lambda endpoint: endpoint.path)
def test_every_object_has_an_etag_that_holds_still(world: World, endpoint: Endpoint) -> None:
    ids = ids_for(world.ours, endpoint)
    api = build.api(world.owner, world.ours)
    first, second = (api.get(endpoint.own(ids)).headers.get("ETag") for _ in range(2))
    assert first
    assert first == second
