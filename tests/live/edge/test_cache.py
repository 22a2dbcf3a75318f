"""What routes keep of their pools' answers, on two real nodes: every question that an origin gets is counted."""

import http.client
import json
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from balancer.edge.converge import reload
from balancer.haproxy.desired import Route, Tenant
from balancer.haproxy.routing import (
    Act,
    Action,
    Cache,
    Condition,
    Cors,
    Edit,
    Handling,
    HeaderEdit,
    Match,
    On,
    Op,
    Rewrite,
    Share,
)
from balancer.haproxy.running import PURGES
from tests.live import core_h2
from tests.live.edge.alike import HOST, Alike
from tests.live.edge.nodes import eventually

MINUTE = Cache(60)


def x_cache(two: Alike, node: int = 0, path: str = "/", method: str = "GET", **options: Any) -> str:
    """What X-Cache says."""
    return str(two.on(node, path, method, **options).headers.get("x-cache", ""))


def route(key: str, host: str, cache: Cache | None = MINUTE, path: str = "/", **values: Any) -> Route:
    more = values.pop("handling", Handling())
    pool = values.pop("pool", "p1")
    return Route(key, host, path, pool, handling=replace(more, cache=cache), **values)


EDITED = Handling(
    rewrite=Rewrite(prefix="/v2", host="b.test"),
    request_headers=(HeaderEdit(Edit.REMOVE, "cookie"),),
    response_headers=(HeaderEdit(Edit.SET, "x-added", "1"),),
    cors=Cors(("https://a.test", "https://b.test"), credentials=True),
)
SHARED = Action(Act.WEIGHTED, (Share("p1", 50), Share("p2", 50)))
BETA = Match(conditions=(Condition(On.HEADER, Op.EQUALS, "x-beta", "1"),))
# Each kind on a host of its own: all tests here take one reload.
ROUTES = {
    one.key: one
    for one in (
        route("r1", HOST),
        route("r2", HOST, path="/other"),
        route("r3", HOST, None, pool="p2", match=BETA),
        route("r4", "cookies.test", replace(MINUTE, cookies=True)),
        route("r5", "weighted.test", pool="", action=SHARED),
        route("r6", "packed.test", handling=Handling(compression=True)),
        route("r7", "small.test", Cache(60, 2048)),
        route("r8", "large.test", Cache(60, 256 * 1024)),
        route("r9", "second.test", Cache(1)),
        route("r10", "edited.test", handling=EDITED),
        route("r11", "purged.test"),
        route("r12", "moved.test"),
    )
}


def with_these(two: Alike, *others: Route) -> Tenant:
    return two.state(*{**ROUTES, **{one.key: one for one in others}}.values())


@pytest.fixture
def two(pair: Alike) -> Alike:
    pair.quiet()
    pair.tell(with_these(pair))
    return pair


_fresh = iter(range(10_000))


def new() -> str:
    """A path that nobody asked for yet."""
    return f"/{next(_fresh)}"


def test_each_node_asks_once_and_gives_the_answer_again(two: Alike) -> None:
    two.origins[0].said = {"Cache-Control": "public, max-age=50", "X-Origin": "1"}
    path = new()
    first = [two.on(node, path) for node in (0, 1)]
    assert [one.headers["x-cache"] for one in first] == ["miss", "miss"]
    again = [two.on(node, path) for node in (0, 1) for _ in range(5)]
    assert two.asked() == 2
    assert {one.headers["x-cache"] for one in again} == {"hit"}
    assert {one.content for one in again} == {one.content for one in first}
    assert {(one.headers["cache-control"], one.headers["x-origin"]) for one in again} == {("public, max-age=50", "1")}
    assert all(0 <= int(one.headers["age"]) <= 50 for one in again)
    assert "veloflux" not in json.dumps([dict(one.headers) for one in [*first, *again]])
    assert json.loads(first[0].text)["headers"]["host"] == HOST, "the origin saw our own word for the host"


def test_an_answer_that_says_nothing_of_time_is_kept_and_looks_as_it_did(two: Alike) -> None:
    path = new()
    miss, hit = two.on(0, path), two.on(0, path)
    assert (miss.headers["x-cache"], hit.headers["x-cache"], two.asked()) == ("miss", "hit", 1)
    assert "expires" not in miss.headers
    assert set(hit.headers) - {"age"} == set(miss.headers)
    two.origins[0].said = {"Expires": "Thu, 01 Jan 2099 00:00:00 GMT", "ETag": '"x"'}
    path = new()
    assert [x_cache(two, 0, path), x_cache(two, 0, path)] == ["miss", "hit"]
    assert two.on(0, path).headers["expires"] == "Thu, 01 Jan 2099 00:00:00 GMT"
    unchanged = two.on(0, path, headers={"If-None-Match": '"x"'})
    assert (unchanged.status_code, unchanged.headers["x-cache"], two.asked()) == (304, "hit", 1)


SAID = [
    {"Set-Cookie": "a=b", "Cache-Control": "public, max-age=60"},
    {"Cache-Control": "private, max-age=60"},
    {"Cache-Control": "no-store"},
    {"Cache-Control": "no-cache"},
    {"Cache-Control": "max-age=0"},
    {"Expires": "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"Vary": "Cookie", "Cache-Control": "max-age=60"},
    {"Vary": "*"},
]


def test_what_is_not_for_everybody_is_not_kept(two: Alike) -> None:
    for said in SAID:
        two.origins[0].said, path = said, new()
        assert [x_cache(two, node, path) for node in (0, 1, 0, 1)] == ["miss"] * 4, said
        assert two.asked() == 4


def test_only_a_200_is_kept(two: Alike) -> None:
    for status in (203, 206, 301, 404, 500):
        two.origins[0].status, path = status, new()
        assert [two.on(0, path).status_code for _ in range(2)] == [status, status]
    assert two.asked() == 10


def test_who_proves_himself_asks_for_a_part_or_sends_something_goes_to_the_pool(two: Alike) -> None:
    path = new()
    x_cache(two, 0, path)
    asked: list[dict[str, Any]] = [
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": {"Cookie": "session=1"}},
        {"headers": {"Range": "bytes=0-1"}},
        {"headers": {"Upgrade": "x", "Connection": "upgrade"}},
        {"headers": {"X-Original-URL": "/admin"}},
        {"headers": {"X-HTTP-Method-Override": "DELETE"}},
        {"content": b"x"},
        {"method": "OPTIONS"},
        {"method": "POST"},
    ]
    two.asked()
    for options in asked:
        assert x_cache(two, 0, path, **options) == "pass", options
    assert two.asked() == len(asked)
    fresh = new()
    for options in asked[:7]:
        x_cache(two, 0, fresh, **options)
    assert x_cache(two, 0, fresh) == "miss", "an answer to somebody alone was kept"


def test_with_cookies_only_where_it_is_asked_for(two: Alike) -> None:
    host, path, mine = "cookies.test", new(), {"Cookie": "session=1"}
    assert [x_cache(two, 0, path, host=host, headers=mine), x_cache(two, 0, path, host=host)] == ["miss", "hit"]
    assert x_cache(two, 0, path, host=host, headers={"Authorization": "Bearer x"}) == "pass"
    two.origins[0].said, path = {"Set-Cookie": "a=b"}, new()
    assert [x_cache(two, 0, path, host=host, headers=mine) for _ in range(2)] == ["miss", "miss"]


def test_a_request_may_ask_for_a_new_answer(two: Alike) -> None:
    path = new()
    x_cache(two, 0, path)
    assert x_cache(two, 0, path, headers={"Cache-Control": "no-cache"}) == "miss"
    assert two.asked() == 2


def test_a_change_of_it_ends_it_and_one_that_failed_does_not(two: Alike) -> None:
    path = new()
    assert [x_cache(two, 0, path), x_cache(two, 0, path), x_cache(two, 0, path, "HEAD")] == ["miss", "hit", "hit"]
    two.origins[0].status = 500
    two.on(0, path, "PUT", content=b"x", headers={"Cookie": "session=1"})
    assert x_cache(two, 0, path) == "hit"
    two.origins[0].status = 200
    two.on(0, path, "PUT", content=b"x", headers={"Cookie": "session=1"})
    assert x_cache(two, 0, path) == "miss"


_marks = iter(range(1000, 10_000))  # none is ever taken back


def purged(mark: int) -> Route:
    return route("r11", "purged.test", replace(MINUTE, purged=mark))


def test_a_purge_takes_no_reload_and_nothing_old_is_answered_by_any_node(two: Alike) -> None:
    path, host, other = new(), "purged.test", new()
    for node in (0, 1):
        two.origins[0].body = "old"
        assert [x_cache(two, node, path, host=host) for _ in range(2)] == ["miss", "hit"]
        assert x_cache(two, node, other) == "miss"
    workers = two.workers
    two.origins[0].body = "new"
    two.tell(with_these(two, purged(next(_marks))))
    assert two.workers == workers
    two.asked()
    answers = [two.on(node, path, host=host) for node in (0, 1) for _ in range(3)]
    assert [one.text for one in answers] == ["new"] * 6
    assert two.asked() == 2
    assert [two.on(node, other).text for node in (0, 1)] == ["old", "old"], "another route's was purged too"
    two.origins[0].body = "newest"
    two.tell(with_these(two, purged(next(_marks))))
    assert [two.on(node, path, host=host).text for node in (0, 1)] == ["newest"] * 2


def test_no_way_back_brings_what_was_purged(two: Alike) -> None:
    first, second = next(_marks), next(_marks)
    two.tell(with_these(two, purged(first)))
    path, host = new(), "purged.test"
    two.origins[0].body = "old"
    assert [two.on(node, path, host=host).text for node in (0, 1)] == ["old"] * 2
    two.tell(with_these(two, purged(second)))
    two.origins[0].body = "new"
    for mark in (first, 0):
        two.tell(with_these(two, purged(mark)))
        assert {two.on(node, path, host=host).text for node in (0, 1)} == {"new"}
        assert str(second) in two.nodes[0].node.runtime.ask(f"show map {PURGES}")


def test_a_reload_begins_with_nothing_and_a_worker_that_stops_gives_nothing_kept(two: Alike) -> None:
    path = new()
    with closing(http.client.HTTPConnection("127.0.0.1", two.nodes[0].port, timeout=5)) as kept:

        def ask() -> tuple[str | None, str]:
            kept.request("GET", path, headers={"Host": HOST})
            answer = kept.getresponse()
            return answer.getheader("x-cache"), answer.read().decode()

        two.origins[0].body = "old"
        assert [ask()[0], ask()[0]] == ["miss", "hit"]
        worker = two.nodes[0].worker_pid
        two.nodes[0].node.reload_wanted = True
        reload(two.nodes[0].node)
        assert two.nodes[0].worker_pid != worker
        two.origins[0].body = "new"
        assert x_cache(two, 0, path) == "miss"
        assert ask() == ("pass", "new")


def test_a_host_as_it_is_written_a_scheme_and_a_pool_have_their_own(two: Alike) -> None:
    path = new()
    hosts = [HOST, HOST.upper(), f"{HOST}:81", f"{HOST}."]
    assert [x_cache(two, 0, path, host=host) for host in hosts] == ["miss"] * 4
    assert two.on(0, path, host=hosts[2]).json()["headers"]["host"] == hosts[2]
    plain = {"Accept-Encoding": "identity"}
    assert [x_cache(two, 0, path, headers=plain) for _ in range(2)] == ["miss", "hit"]
    tls = two.nodes[0].tls_port
    asked = two.asked()
    first, again = (core_h2.get(tls, HOST, path) for _ in range(2))
    assert (asked, two.asked()) == (5, 1), "HTTP/2 over TLS got what was asked for in the clear, or nothing was kept"
    assert first.body == again.body
    seen = json.loads(first.body)["headers"]
    assert (seen["host"], seen["x-forwarded-proto"]) == (HOST, "https")
    h1 = two.client.get(f"https://127.0.0.1:{tls}{path}", headers={"Host": HOST, **plain})
    assert h1.headers["x-cache"] == "hit"
    assert two.on(0, path, host="moved.test").json()["name"] == "p1"
    two.tell(with_these(two, route("r12", "moved.test", pool="p2")))
    assert two.on(0, path, host="moved.test").json()["name"] == "p2"


def test_a_host_that_runs_into_the_path_poisons_nothing(two: Alike) -> None:
    odd = f"{HOST}:80/a"
    assert x_cache(two, 0, "/b", host=odd) in ("miss", "")
    assert x_cache(two, 0, "/a/b", host=f"{HOST}:80") == "miss"


def test_clients_of_a_weighted_route_get_what_their_pool_said(two: Alike) -> None:
    path, there = new(), {"host": "weighted.test"}
    asked = [two.on(0, path, headers={"Cookie": f"vf_share={draw}"}, **there) for draw in range(0, 100, 5)]
    names = [one.json()["name"] for one in asked]
    assert names == ["p1"] * 10 + ["p2"] * 10
    assert two.asked() == 2
    fresh = two.on(0, path, **there)
    assert (fresh.headers["x-cache"], two.asked()) == ("hit", 0)
    assert fresh.headers["set-cookie"].startswith("vf_share=")
    known = two.on(0, path, headers={"Cookie": fresh.headers["set-cookie"].partition(";")[0]}, **there)
    assert (known.headers["x-cache"], "set-cookie" in known.headers) == ("hit", False)


def test_what_is_compressed_is_kept_for_who_takes_it(two: Alike) -> None:
    two.origins[0].said, two.origins[0].body, path = {"Content-Type": "text/html"}, "a" * 5000, new()
    kinds = ("gzip", "identity", "gzip", "identity", "gzip, deflate")
    answers = [two.on(0, path, host="packed.test", headers={"Accept-Encoding": kind}) for kind in kinds]
    assert [one.headers["x-cache"] for one in answers] == ["miss", "miss", "hit", "hit", "hit"]
    assert [one.headers.get("content-encoding") for one in answers] == ["gzip", None, "gzip", None, "gzip"]
    assert {one.text for one in answers} == {"a" * 5000}
    assert two.asked() == 2
    two.origins[0].said = {"Content-Encoding": "br", "Vary": "Accept-Encoding", "Cache-Control": "max-age=60"}
    path = new()
    assert [x_cache(two, 0, path, headers={"Accept-Encoding": kind}) for kind in ("br", "br", "deflate")] == [
        "miss",
        "hit",
        "miss",
    ]


def test_what_is_too_large_is_given_whole_and_not_kept(two: Alike) -> None:
    for chunked in (False, True):
        two.origins[0].chunked = chunked
        for size, said in ((1024, ["miss", "hit"]), (4096, ["miss", "miss"]), (200_000, ["miss", "miss"])):
            two.origins[0].body, path = "x" * size, new()
            answers = [two.on(0, path, host="small.test") for _ in range(2)]
            assert ([one.headers["x-cache"] for one in answers], {len(one.text) for one in answers}) == (said, {size})


def test_many_answers_push_out_the_oldest_of_their_own_route_alone(two: Alike) -> None:
    other = new()
    assert x_cache(two, 0, other) == "miss"
    two.origins[0].body, large = "x" * 200_000, "large.test"
    paths = [new() for _ in range(8)]
    assert {x_cache(two, 0, path, host=large) for path in paths} == {"miss"}
    assert [x_cache(two, 0, path, host=large) for path in (paths[-1], paths[0])] == ["hit", "miss"]
    assert x_cache(two, 0, other) == "hit"


def test_two_tenants_have_nothing_in_common(two: Alike) -> None:
    two.tell(two.state(route("r1", "tbbb.test", pool="p2"), key="tbbb"))
    path = new()
    assert two.on(0, path).json()["name"] == "p1"
    assert two.on(0, path, host="tbbb.test").json()["name"] == "p2"
    assert [x_cache(two, 0, path), x_cache(two, 0, path, host="tbbb.test")] == ["hit", "hit"]


def test_what_the_route_adds_is_made_for_each_request(two: Alike) -> None:
    path = new()
    answers = [
        two.on(0, path, host="edited.test", headers={"Origin": f"https://{who}.test", "Cookie": f"session={who}"})
        for who in ("a", "b", "evil")
    ]
    assert [one.headers["x-cache"] for one in answers] == ["miss", "hit", "hit"]
    assert [one.headers.get("access-control-allow-origin") for one in answers] == [
        "https://a.test",
        "https://b.test",
        None,
    ]
    assert {one.headers["x-added"] for one in answers} == {"1"}
    seen = answers[2].json()
    assert (seen["path"], seen["headers"]["host"], "cookie" in seen["headers"]) == (f"/v2{path}", "b.test", False)


def test_one_route_of_a_host_keeps_and_another_does_not(two: Alike) -> None:
    path = new()
    assert [x_cache(two, 0, path), x_cache(two, 0, path)] == ["miss", "hit"]
    answers = [two.on(0, path, headers={"x-beta": "1"}) for _ in range(2)]
    assert [(one.json()["name"], "x-cache" in one.headers) for one in answers] == [("p2", False)] * 2
    two.asked()
    assert x_cache(two, 0, path) == "hit"


def test_an_old_answer_is_asked_for_again(two: Alike) -> None:
    two.origins[0].said, path, host = {"Cache-Control": "max-age=60"}, new(), "second.test"
    assert x_cache(two, 0, path, host=host) == "miss"
    eventually(lambda: x_cache(two, 0, path, host=host) == "miss")
    assert two.asked() == 2


def test_old_http_and_long_addresses_are_served(two: Alike) -> None:
    long = f"{new()}?{'q' * 12_000}"
    assert [x_cache(two, 0, long), x_cache(two, 0, long)] == ["miss", "hit"]
    with closing(http.client.HTTPConnection("127.0.0.1", two.nodes[0].port, timeout=5)) as old:
        old._http_vsn, old._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]
        old.request("GET", long, headers={"Host": HOST})
        answer = old.getresponse()
        assert (answer.status, json.loads(answer.read())["path"]) == (200, long)
    assert two.asked() == 2
