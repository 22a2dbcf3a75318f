"""What a tenant sets for its clients and its answers, from its request to what real HAProxy nodes do."""

import http.client
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.live.load import load
from tests.live.origins import Origin
from tests.live.road.conftest import post
from tests.live.runtime import pid, reloads
from tests.live.stack import NodeUnderTest, Stack, until
from tests.live.tenancy.test_traffic import CHANGE_PLAN, Customer
from tests.live.tenancy.test_traffic import origin as origin

pytestmark = pytest.mark.live
HERE, THERE, FAR = "127.0.0.1", "127.0.0.2", "127.0.0.3"


@pytest.fixture
def two(stack: Stack, origin: Origin) -> Iterator[tuple[Customer, Customer]]:
    first, second = Customer(stack, origin), Customer(stack, origin)
    yield first, second
    first.api.close()
    second.api.close()


def put(customer: Customer, path: str, **body: Any) -> Any:
    """Once every node runs it."""
    answer = customer.api.put(path, json=body, headers={"Prefer": "wait=20"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["change"]["state"] == "live", answer.text
    return answer.json()


@contextmanager
def client(node: NodeUnderTest, source: str) -> Iterator[http.client.HTTPConnection]:
    line = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=10, source_address=(source, 0))
    try:
        yield line
    finally:
        line.close()


def counted(node: NodeUnderTest, customer: Customer, source: str, times: int = 40, told: str = "") -> Counter[int]:
    got: Counter[int] = Counter()
    headers = {"Host": customer.host} | ({"X-Forwarded-For": told} if told else {})
    with client(node, source) as line:
        for _ in range(times):
            line.request("GET", "/", headers=headers)
            answer = line.getresponse()
            answer.read()
            got[answer.status] += 1
    return got


def test_f12_an_address_gets_its_rate_and_nobody_else_notices(stack: Stack, two: tuple[Customer, Customer]) -> None:
    ours, theirs = two
    before = [(reloads(node), pid(node)) for node in stack.nodes]
    shown = put(
        ours, "/rate-limit", per_address={"requests_per_second": 5, "burst": 10, "status": 403},
        allowed_networks=[FAR],
    )  # fmt: skip
    assert shown["counted"] == {"per": "node", "nodes": 2}
    for node in stack.nodes:  # each counts by itself
        began = time.monotonic()
        got = counted(node, ours, HERE, 60)
        spent = time.monotonic() - began
        assert set(got) == {200, 403}
        assert 10 <= got[200] <= 10 + 5 * spent + 1
        assert counted(node, ours, THERE, 10) == {200: 10}
        assert counted(node, ours, FAR, 60) == {200: 60}
        assert counted(node, theirs, HERE, 60) == {200: 60}
    assert [(reloads(node), pid(node)) for node in stack.nodes] == before


def test_f12_a_limit_changes_while_traffic_runs_and_no_request_fails(
    stack: Stack, two: tuple[Customer, Customer]
) -> None:
    ours, theirs = two
    node = stack.nodes[0]
    before = [(reloads(each), pid(each)) for each in stack.nodes]
    with load(node.http_port, ours.host, clients=2, pause=0.01) as mine, load(node.http_port, theirs.host) as other:
        for rps in (900, 800, 700, 900):
            put(
                ours,
                "/rate-limit",
                per_address={"requests_per_second": rps},
                allowed_networks=[f"10.{rps % 200}.0.0/17"],
            )
            put(ours, "/security-headers", hsts="day", frame_options="deny")
        put(ours, "/rate-limit", per_address={"requests_per_second": 1, "burst": 1}, allowed_networks=[HERE])
        put(ours, "/rate-limit")
        put(ours, "/security-headers")
    assert (mine.failures, other.failures) == ([], [])
    assert min(mine.total, other.total) > 50
    assert [(reloads(each), pid(each)) for each in stack.nodes] == before


def test_f12_a_client_behind_the_tenants_proxy_is_seen_by_limit_log_and_origin(
    stack: Stack, two: tuple[Customer, Customer]
) -> None:
    ours, theirs = two
    node = stack.nodes[0]
    both = {"per_address": {"requests_per_second": 1, "burst": 4}, "trusted_proxies": [THERE]}
    put(ours, "/rate-limit", **both)
    assert counted(node, ours, THERE, 4, "6.6.6.6, 192.0.2.77") == {200: 4}
    assert counted(node, ours, THERE, 20, "6.6.6.6, 192.0.2.77")[429] > 10
    assert counted(node, ours, THERE, 4, "192.0.2.77, 198.51.100.5") == {200: 4}
    assert counted(node, ours, HERE, 20, "198.51.100.99")[429] > 10  # forged, and counted as who it is
    assert counted(node, theirs, THERE, 3, "198.51.100.66") == {200: 3}
    until(lambda: {"192.0.2.77", "198.51.100.5", HERE} <= sources(ours), what="the log")
    assert sources(ours) <= {"192.0.2.77", "198.51.100.5", HERE, THERE}
    assert not {"198.51.100.66", "192.0.2.77"} & sources(theirs)


def sources(customer: Customer) -> set[str]:
    answer = customer.api.get("/logs", params={"page_size": 100})
    assert answer.status_code == 200, answer.text
    return {line["address"] for line in answer.json()["items"]}


def test_f12_a_reload_and_a_restart_keep_it(stack: Stack, two: tuple[Customer, Customer]) -> None:
    ours, _ = two
    node = stack.nodes[0]
    put(ours, "/rate-limit", per_address={"requests_per_second": 1, "burst": 5, "status": 503}, allowed_networks=[FAR])
    put(ours, "/security-headers", content_type_options="nosniff")
    before = reloads(node)
    post(ours.api, "/pools", {"name": "another"})
    until(lambda: reloads(node) > before, what="a reload")
    until(lambda: holds(node, ours), what="the limit after a reload")
    stack.programs["node-n1"].restart()
    until(lambda: counted(node, ours, FAR, 1) == {200: 1}, what="a node that is back")
    until(lambda: holds(node, ours), what="the limit after a restart")


def holds(node: NodeUnderTest, ours: Customer) -> bool:
    got = counted(node, ours, HERE, 20)
    return got[503] > 8 and got[200] + got[503] == 20 and counted(node, ours, FAR, 20) == {200: 20}


def test_i8_a_smaller_plan_bounds_the_limit_at_the_nodes(stack: Stack, two: tuple[Customer, Customer]) -> None:
    ours, _ = two
    put(ours, "/rate-limit", per_address={"requests_per_second": 1000, "burst": 2000})
    stack.run("-c", CHANGE_PLAN.format(tenant=ours.id, plan="free"))
    until(lambda: counted(stack.nodes[0], ours, HERE, 60)[429] > 20, what="the free plan's rate")
    refused = ours.api.put("/rate-limit", json={"per_address": {"requests_per_second": 11}})
    assert (refused.status_code, refused.json()["limit"]) == (402, 10)


def test_f13_headers_are_on_every_answer_of_the_tenant_that_wants_them(
    stack: Stack, two: tuple[Customer, Customer]
) -> None:
    ours, theirs = two
    before = [(reloads(node), pid(node)) for node in stack.nodes]
    put(
        ours, "/security-headers", hsts="year", content_type_options="nosniff", frame_options="sameorigin",
        referrer_policy="no-referrer", permissions_policy="devices",
    )  # fmt: skip
    for node in stack.nodes:
        for path in ("/", "/deep/er?x=1"):
            said = headers(node, ours.host, path)
            assert said["x-content-type-options"] == "nosniff"
            assert said["x-frame-options"] == "SAMEORIGIN"
            assert said["referrer-policy"] == "no-referrer"
            assert said["permissions-policy"] == "camera=(),geolocation=(),microphone=()"
            assert "strict-transport-security" not in said  # plain HTTP
        assert not {"x-content-type-options", "x-frame-options", "referrer-policy"} & set(headers(node, theirs.host))
    assert [(reloads(node), pid(node)) for node in stack.nodes] == before


def headers(node: NodeUnderTest, host: str, path: str = "/") -> dict[str, str]:
    with client(node, HERE) as line:
        line.request("GET", path, headers={"Host": host})
        answer = line.getresponse()
        answer.read()
        return {name.lower(): value for name, value in answer.getheaders()}
