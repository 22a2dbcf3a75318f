"""Rows 13 and 14: what the API costs in a tenant that has much, in this process, on the stack's database."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import include, path

from balancer.models import Backend, Pool
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scope import tenant_scope
from tests import build
from tests.bench import fleet
from tests.bench.measure import Figure, Samples, ms, timed

BACKENDS, PAGE, TIMES = 10_000, 50, 60
FEW, PAUSE_S = 15, 2
COLUMNS = ("id", "pool_id", "ip", "port", "weight", "admin", "backup", "region", "description", "created_at")


def bare(request: HttpRequest) -> HttpResponse:
    """The least: the page's rows by one query, behind the same middleware and credential."""
    rows = Backend.objects.order_by("created_at", "id").values(*COLUMNS)[:PAGE]
    return JsonResponse({"items": list(rows)})


urlpatterns = [path("api/bare", bare), path("", include("veloflux_site.urls"))]


def rows(wanted: set[str]) -> Iterator[Figure]:
    (large,) = fleet.grow(["much"], pools=1, backends=BACKENDS)
    (small,) = fleet.grow(["less"], pools=1, backends=10)
    if "13" in wanted:
        yield listing(large, key_of(large))
    if "14" in wanted:
        yield adding(large, small)


def client(key: str) -> Client:
    return Client(headers={"authorization": f"Bearer {key}", "host": "localhost"})


def listing(tenant: Tenant, key: str) -> Figure:
    api = client(key)

    def ask(where: str) -> None:
        answer = api.get(where)
        assert answer.status_code == 200, answer.content
        assert len(answer.json()["items"]) == PAGE

    page = f"/api/backends?page_size={PAGE}"
    with override_settings(ROOT_URLCONF="tests.bench.api"):
        ask(page)
        queries = asked_of_the_database(lambda: ask(page))
        ours = timed(lambda: ask(page), times=TIMES, warmup=3)
        floor = timed(lambda: ask("/api/bare"), times=TIMES, warmup=3)
    share = floor.median / ours.median
    return Figure(
        "13",
        f"a page of {PAGE} of {BACKENDS:,} backends: {queries} queries",
        str(ours),
        f"a bare view of one query, same middleware {ms(floor.median)}",
        ours.median / floor.median,
        "≤ 5 queries, ≥ 40 % of its requests/s (≤ 2.5 ×)",
        queries <= 5 and share >= 0.4,
    )


def asked_of_the_database(act: Callable[[], object]) -> int:
    """How many statements."""
    asked: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *words: Any) -> Any:
        asked.append(sql)
        return execute(sql, *words)

    with connection.execute_wrapper(note):
        act()
    return len(asked)


def adding(large: Tenant, small: Tenant) -> Figure:
    """The API's own work: what the nodes are told afterwards is a tenant's whole state, and other rows."""
    many, few = added(large, key_of(large)), added(small, key_of(small))
    ratio = many.median / few.median
    return Figure(
        "14",
        f"adding a backend beside {BACKENDS:,}",
        str(many),
        f"beside 10 {few}",
        ratio,
        "≤ 1.2 ×",
        ratio <= 1.2,
    )


def added(tenant: Tenant, key: str) -> Samples:
    """With a pause after each, in which the nodes are told: on one machine that would be measured too."""
    api, samples = client(key), Samples()
    with tenant_scope(tenant):
        pool = Pool.objects.get().pk
    for number in range(FEW + 1):
        body: dict[str, Any] = {"pool": pool, "address": f"127.9.0.1:{1024 + number}"}
        start = time.perf_counter()
        answer = api.post("/api/backends", body, content_type="application/json")
        if number:  # the first one warms up
            samples.add(time.perf_counter() - start)
        assert answer.status_code == 201, answer.content
        time.sleep(PAUSE_S)
    return samples


def key_of(tenant: Tenant) -> str:
    return build.key(tenant, build.member(tenant, Role.OWNER))[1]
