"""The edges of every answer: headers, other origins, forged hosts; and how often one may ask."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings as configured
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import IntConverter
from django.utils.regex_helper import normalize
from redis.exceptions import ConnectionError as RedisGone

from billing.queries import rates as plan_rates
from tenants.restkit import headers
from tenants.services import rates
from tenants.visitors import network_of
from tests import build
from tests.conftest import World

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def paths(patterns: list[URLPattern | URLResolver] | None = None, before: str = "/") -> Iterator[str]:
    """One of each route, of whoever mounted it."""
    for one in patterns if patterns is not None else get_resolver().url_patterns:
        here = before + shape(one)
        if isinstance(one, URLResolver):
            yield from paths(one.url_patterns, here)
        else:
            yield here


def shape(one: URLPattern | URLResolver) -> str:
    route = str(one.pattern)
    if hasattr(one.pattern, "_route"):
        kinds = one.pattern.converters
        return re.sub(
            r"<(?:\w+:)?(\w+)>", lambda found: "1" if isinstance(kinds[found[1]], IntConverter) else "ours", route
        )
    text, names = normalize(route.lstrip("^").rstrip("$"))[0]
    return text % dict.fromkeys(names, "ours")


ROUTES = sorted(set(paths()))


def check(response: Any, path: str) -> None:
    for name, value in EXPECTED.items():
        assert response.headers.get(name) == value, (path, response.status_code, name)
    policy = response.headers.get("Content-Security-Policy", "")
    assert "default-src 'none'" in policy, (path, policy)
    assert "frame-ancestors 'none'" in policy, (path, policy)
    for weak in ("unsafe-eval", "unsafe-inline", " *", "http:", "data: blob"):
        assert weak not in policy, (path, policy)
    assert "camera=()" in response.headers["Permissions-Policy"]
    assert "Cache-Control" in response.headers, path
    assert "Server" not in response.headers


def test_the_walk_finds_every_kind_of_route() -> None:
    assert len(ROUTES) > 100
    for one in ("/api/pools/?", "/login", "/staff/login/", "/health", "/t/ours/pools"):
        assert any(route.rstrip("/?") == one.rstrip("/?") for route in ROUTES), one


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_f13_every_route_says_its_headers_to_nobody_and_to_staff(world: World, method: str) -> None:
    staff = Client(raise_request_exception=False)
    staff.force_login(build.join(build.staff(), world.ours))
    codes = set()
    for path in ROUTES:
        path = path.removesuffix("/?")
        if method == "POST" and "logout" in path:
            continue
        for client in (Client(raise_request_exception=False), staff):
            response = client.generic(method, path)
            codes.add(response.status_code)
            assert response.status_code < 500 or response.status_code == 503, path
            check(response, path)
    assert {200, 302, 403, 404} & codes


@pytest.mark.django_db
def test_f13_errors_say_their_headers_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False)
    for path in ("/nothing/here", "/api/nothing", "/t/none/pools", "/static/none.css", "/%ff"):
        check(client.get(path), path)
    check(client.get("/login", headers={"Host": "evil.test"}), "forged host")
    check(Client(enforce_csrf_checks=True).post("/login", {"email": "a@b.test"}), "no csrf token")

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("tenants.console.page.frame", broken)
    response = client.get("/nothing/here")
    assert response.status_code == 500
    check(response, "500")


def test_f13_whatever_a_middleware_below_answers_gets_them(settings: Any) -> None:
    """Those that answer before any view: nothing is left to each of them."""
    assert configured.MIDDLEWARE[0] == "tenants.restkit.headers.HeadersMiddleware"
    response = headers.HeadersMiddleware(lambda request: HttpResponse("x", status=418))(HttpRequest())
    check(response, "early")
    assert "Strict-Transport-Security" not in response.headers
    settings.HSTS = "max-age=31536000"
    response = headers.HeadersMiddleware(lambda request: HttpResponse("x"))(HttpRequest())
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.django_db
def test_f13_a_view_may_say_its_own(world: World) -> None:
    page = Client().get("/login")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert Client().get("/api").headers["Cache-Control"] == "no-store"


# Other origins.

OURS, FOREIGN = "https://app.example", "https://evil.example"


@pytest.fixture
def listed(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [OURS]


def preflight(origin: str, path: str = "/api/pools") -> Any:
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "if-match"}
    return Client(headers=asked).options(path)


@pytest.mark.django_db
@pytest.mark.usefixtures("listed")
def test_f14_a_listed_origin_may_ask_with_credentials(world: World) -> None:
    response = preflight(OURS)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == OURS
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert "PUT" in response.headers["Access-Control-Allow-Methods"]
    assert "if-match" in response.headers["Access-Control-Allow-Headers"]
    assert "Origin" in response.headers["Vary"].title()
    check(response, "preflight")
    answer = build.api(world.owner, world.ours).get("/api/pools", Origin=OURS)
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    refused = build.api().get("/api/pools", Origin=OURS)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, OURS)


@pytest.mark.django_db
@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(
    "origin",
    [FOREIGN, "null", "https://app.example.evil.example", "http://app.example", "https://app.example:444", "*"],
)
def test_f14_a_foreign_origin_gets_no_leave(world: World, origin: str) -> None:
    for response in (preflight(origin), build.api(world.owner, world.ours).get("/api/pools", Origin=origin)):
        assert not [name for name in response.headers if name.lower().startswith("access-control-")]


@pytest.mark.django_db
@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize("path", ["/login", "/t/ours/pools", "/staff/", "/health"])
def test_f14_pages_are_for_no_other_origin(world: World, path: str) -> None:
    assert "Access-Control-Allow-Origin" not in Client(headers={"Origin": OURS}).get(path).headers
    assert "Access-Control-Allow-Origin" not in preflight(OURS, path).headers


@pytest.mark.django_db
def test_f14_without_a_list_no_origin_is_answered(world: World) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(OURS).headers


# Forged hosts, and cookies.


@pytest.mark.django_db
@pytest.mark.parametrize(
    "forged",
    [
        {"Host": "evil.test"},
        {"Host": "testserver.evil.test"},
        {"Host": "testserver@evil.test"},
        {"Host": "testserver:80:80"},
        {"Host": "evil.test", "X-Forwarded-Host": "testserver"},
    ],
)
def test_g11_a_forged_host_is_refused_and_makes_no_link(world: World, forged: dict[str, str]) -> None:
    for path in ("/login", "/api", "/api/pools"):
        response = Client(headers=forged, raise_request_exception=False).get(path)
        assert response.status_code == 400, path
        assert "evil.test" not in response.content.decode()


@pytest.mark.django_db
def test_g11_a_forwarded_host_changes_no_link(world: World) -> None:
    response = Client(headers={"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https"}).get("/api")
    assert "evil.test" not in response.content.decode()
    assert response.json()["links"]["schema"].startswith("http://testserver/")


@pytest.mark.django_db
def test_f13_cookies_are_for_http_and_this_site_and_every_form_needs_its_token(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.owner)
    assert configured.SESSION_COOKIE_HTTPONLY
    assert configured.SESSION_COOKIE_SAMESITE == configured.CSRF_COOKIE_SAMESITE == "Lax"
    for path, data in (("/t/ours/pools/new", {"name": "x"}), ("/logout", {}), ("/preferences", {"theme": "dark"})):
        assert browser.post(path, data).status_code == 403, path
    assert browser.post("/api/pools", {"name": "x"}, content_type="application/json").json()["code"] == "csrf_failed"


# How often.


@pytest.fixture
def usual(settings: Any) -> None:
    """As production has it."""
    settings.THROTTLES, settings.DEMO = {}, False
    plan_rates.forget()


def told(response: Any) -> tuple[str | None, ...]:
    names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After")
    return tuple(response.headers.get(name) for name in names)


@pytest.mark.django_db
@pytest.mark.usefixtures("usual")
def test_f11_the_api_is_counted_for_a_tenant_whoever_asks_by_its_plan(world: World, settings: Any) -> None:
    settings.API_RATES = {"": 3, "pro": 4}
    api, other = build.api(world.owner, world.ours), build.api(world.viewer, world.ours)
    answers = [api.get("/api/pools"), other.get("/api/routes"), api.get("/api/pools"), other.get("/api/pools")]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["3", "2", "1", "0"]
    refused = api.get("/api/pools")
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert refused.headers["Content-Type"] == "application/problem+json"
    limit, left, reset, after = told(refused)
    assert (limit, left, reset) == ("4", "0", after)
    assert 1 <= int(after or 0) <= 120
    assert refused.json()["retry_after"] == int(after or 0)
    assert build.api(world.their_owner, world.theirs).get("/api/pools").status_code == 200
    settings.API_RATES = {"": 3, "pro": 9}
    plan_rates.forget()
    assert api.get("/api/pools").status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("usual")
def test_f11_what_guesses_is_counted_by_address(world: World) -> None:
    codes = [build.api().post("/api/auth/refresh", {"refresh_token": "no"}).status_code for _ in range(21)]
    assert codes[-1] == 429
    assert 429 not in codes[:20]
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    answer = elsewhere.post("/api/auth/refresh", {"refresh_token": "no"}, content_type="application/json")
    assert answer.status_code == 401


@pytest.mark.django_db
@pytest.mark.usefixtures("usual")
def test_f11_a_form_that_nobody_is_signed_in_for_is_counted_and_pages_are_not(world: World) -> None:
    data = {"email": "", "password": ""}
    codes = [Client().post("/login", data).status_code for _ in range(21)]
    assert (codes[-1], 429 in codes[:20]) == (429, False)
    page = Client(headers={"Accept-Language": "pt-BR"}).post("/login", data)
    assert page.status_code == 429
    assert "Retry-After" in page.headers
    assert "<h1" in page.content.decode()
    assert Client().get("/login").status_code == 200


@pytest.mark.django_db
@pytest.mark.usefixtures("usual")
def test_f11_what_is_expensive_has_less(world: World) -> None:
    api = build.api(world.owner, world.ours)
    codes = [api.post("/api/smtp/test").status_code for _ in range(11)]
    assert (codes[-1], 429 in codes[:10]) == (429, False)
    assert api.get("/api/smtp").status_code == 404


@pytest.mark.django_db
def test_f11_the_demo_lets_loopback_more_and_nobody_else(world: World, settings: Any) -> None:
    settings.THROTTLES, settings.DEMO = {}, True
    assert Client().post("/login", {}).headers["RateLimit-Limit"] == "100"
    assert Client(REMOTE_ADDR="198.51.100.7").post("/login", {}).headers["RateLimit-Limit"] == "20"
    settings.DEMO = False
    assert Client().post("/login", {}).headers["RateLimit-Limit"] == "20"


@pytest.mark.django_db
@pytest.mark.usefixtures("usual")
def test_f11_without_redis_the_api_goes_on_and_guessing_does_not(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise RedisGone("away")

    monkeypatch.setattr(rates, "count", gone)
    assert build.api(world.owner, world.ours).get("/api/pools").status_code == 200
    assert build.api().post("/api/auth/refresh", {"refresh_token": "no"}).status_code == 503


def test_f11_many_at_once_are_let_in_exactly_as_often_as_may_be() -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: rates.count("race", "one", limit=25).allowed, range(100)))
    assert sum(found) == 25


def test_f11_around_the_turn_of_a_window_nobody_gets_twice_the_limit() -> None:
    """Begun shortly before it: counted from nothing at each turn, there would be twenty."""
    while not 0.75 < time.time() % 1 < 0.85:
        time.sleep(0.01)
    allowed, ends = 0, time.monotonic() + 0.4
    while time.monotonic() < ends:
        allowed += rates.count("turn", "one", limit=10, seconds=1).allowed
    assert 10 <= allowed <= 15


@pytest.mark.parametrize("address", ["2001:db8:1:2::3", "2001:db8:1:2:ffff::9"])
def test_f11_one_network_of_ipv6_is_one_caller(address: str) -> None:
    assert network_of(address) == "2001:db8:1:2::/64"
    assert network_of("198.51.100.7") == network_of("::ffff:198.51.100.7") == "198.51.100.7"
