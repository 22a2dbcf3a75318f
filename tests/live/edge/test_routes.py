"""Routes that are more than a prefix and a pool, on a real HAProxy: which one takes a request, and what it does."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from balancer.edge.converge import converge
from balancer.haproxy.access_log import LINE_MAX, parse
from balancer.haproxy.desired import Route, Server
from balancer.haproxy.protection import ClientRules
from balancer.haproxy.routing import (
    Act,
    Action,
    Condition,
    Cors,
    Edit,
    Handling,
    HeaderEdit,
    Maintenance,
    Match,
    On,
    Op,
    PathMatch,
    Rewrite,
    Share,
)
from tests.live.edge.alike import HOST, Alike, alike
from tests.live.edge.test_access_log import reader


@pytest.fixture(scope="module")
def bench() -> Iterator[Alike]:
    """One node for all tests here; what two do is in test_two_nodes."""
    with alike("n1") as one:
        yield one


@pytest.fixture(autouse=True)
def quiet(bench: Alike) -> None:
    bench.quiet()


def route(key: str, path: str = "/", pool: str = "p1", **values: Any) -> Route:
    return Route(key, values.pop("host", HOST), path, pool, **values)


def when(*conditions: Condition, path: PathMatch = PathMatch.PREFIX) -> Match:
    return Match(path, conditions)


def test_a_path_is_a_prefix_by_segments_exact_or_an_expression(bench: Alike) -> None:
    bench.serve(
        route("r1"),
        route("r2", "/api", "p2"),
        route("r3", "/api/v1", "p3", match=when(path=PathMatch.EXACT)),
        route("r4", r"^/img/[0-9]+\.(png|jpe?g)$", "p3", match=when(path=PathMatch.REGEX)),
    )
    asked = {
        "/": "p1", "/apix": "p1", "/api": "p2", "/api/": "p2", "/api/x?y=/z": "p2", "/api/v1": "p3", "/api/v1/": "p2",
        "/api/v1?q": "p3", "/img/12.png": "p3", "/img/12.jpg": "p3", "/img/12.gif": "p1", "/img/a.png": "p1",
        "/API": "p1",
    }  # fmt: skip
    assert {path: bench.pool(path) for path in asked} == asked


ODD, HEADERS = "it's ${HOME} #1", {"x-a": "one-two"}
Sent = dict[str, Any]
CONDITIONS: list[tuple[Condition, Sent, Sent]] = [
    (Condition(On.METHOD, value="POST,PUT"), {"method": "PUT"}, {"method": "GET"}),
    (Condition(On.HEADER, Op.EQUALS, "X-A", ODD), {"headers": {"x-a": ODD}}, {"headers": {"x-a": "it's"}}),
    (Condition(On.HEADER, Op.PREFIX, "x-a", "one"), {"headers": HEADERS}, {"headers": {"x-a": "two"}}),
    (Condition(On.HEADER, Op.SUFFIX, "x-a", "two"), {"headers": HEADERS}, {"headers": {"x-a": "two-one"}}),
    (Condition(On.HEADER, Op.CONTAINS, "x-a", "e-t"), {"headers": HEADERS}, {"headers": {"x-a": "et"}}),
    (Condition(On.HEADER, Op.REGEX, "x-a", "^o[a-z]+-"), {"headers": HEADERS}, {"headers": {"x-a": "-o"}}),
    (Condition(On.HEADER, Op.PRESENT, "x-a"), {"headers": {"x-a": ""}}, {}),
    (Condition(On.HEADER, Op.PRESENT, "x-a", negate=True), {}, {"headers": HEADERS}),
    (Condition(On.QUERY, Op.EQUALS, "v", "2"), {"path": "/?a=1&v=2"}, {"path": "/?v=1&vv=2"}),
    (Condition(On.COOKIE, Op.EQUALS, "b", "on"), {"headers": {"cookie": "a=b; b=on"}}, {"headers": {"cookie": "b=of"}}),
    (
        Condition(On.SOURCE, value="203.0.113.0/24,2001:db8::/32"),
        {"headers": {"x-forwarded-for": "2001:db8::7"}},
        {"headers": {"x-forwarded-for": "198.51.100.1"}},
    ),
]


def test_every_condition_holds_or_does_not(bench: Alike) -> None:
    routes = [route("r0")]
    for number, (condition, _, _) in enumerate(CONDITIONS):
        routes.append(route(f"r{number + 1}", "/", "p2", host=f"h{number}.test", match=when(condition)))
        routes.append(route(f"s{number + 1}", "/", "p1", host=f"h{number}.test"))
    bench.serve(*routes, clients=ClientRules(proxies=("127.0.0.0/8",)))
    for number, (condition, holds, not_so) in enumerate(CONDITIONS):
        host = f"h{number}.test"
        assert (bench.pool(host=host, **holds), bench.pool(host=host, **not_so)) == ("p2", "p1"), condition


def test_all_conditions_of_a_route_are_to_hold(bench: Alike) -> None:
    both = when(Condition(On.METHOD, value="GET"), Condition(On.HEADER, Op.PRESENT, "x-a"))
    bench.serve(route("r1", "/", "p2", match=both))
    assert bench.pool(headers=HEADERS) == "p2"
    assert bench.pool(method="POST", headers=HEADERS) == "404"
    assert bench.ask().text == "Nothing is routed here.\n"


def test_priority_is_the_order(bench: Alike) -> None:
    bench.serve(route("r1", "/api", "p1"), route("r2", "/", "p2", priority=1))
    assert bench.pool("/api") == "p2"
    bench.serve(route("r1", "/api", "p1", priority=2), route("r2", "/", "p2", priority=1))
    assert (bench.pool("/api"), bench.pool("/x")) == ("p1", "p2")


def test_a_wildcard_has_a_router_too(bench: Alike) -> None:
    get = when(Condition(On.METHOD, value="GET"))
    bench.serve(route("r1", host="*.w.test", match=get), route("r2", pool="p2", host="x.w.test"))
    assert (bench.pool(host="a.w.test"), bench.pool(host="x.w.test"), bench.pool(host="a.b.w.test")) == (
        "p1",
        "p2",
        "421",
    )


def test_a_redirect_arrives_as_written(bench: Alike) -> None:
    url = "https://x/?a=1&b=2#f'"
    odd = 'https://x/%20%[env(HOME)]${HOME}"\\;{}|^`<>'
    codes = (301, 302, 303, 307, 308)
    bench.serve(
        *(route(f"r{code}", f"/{code}", "", action=Action(Act.REDIRECT, url=url, code=code)) for code in codes),
        route("r1", "/odd", "", action=Action(Act.REDIRECT, url=odd)),
        route("r2", "/pre", "", action=Action(Act.REDIRECT, prefix="https://y.test/new", code=308)),
    )
    for code in codes:
        answer = bench.ask(f"/{code}", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (code, url)
    assert bench.ask("/odd").headers["location"] == odd
    assert bench.ask("/pre/a?b=c&d='#").headers["location"] == "https://y.test/new/pre/a?b=c&d='"


def test_a_fixed_answer_arrives_as_written(bench: Alike) -> None:
    body = "<p>\"é\" ${HOME}\n%[env(HOME)] 'x' #\\ \t;</p>\r\n" + "é" * 2000
    page = Action(Act.RESPOND, status=418, content_type="text/html; charset=utf-8", body=body)
    bench.serve(
        route("r1", "/", "", action=page),
        route("r2", "/no", "", action=Action(Act.RESPOND, status=204)),
    )
    answer = bench.ask("/x")
    assert (answer.status_code, answer.headers["content-type"]) == (418, "text/html; charset=utf-8")
    assert answer.content == body.encode()
    assert bench.ask("/no").status_code == 204


def test_weights_are_kept_to_and_a_client_stays(bench: Alike) -> None:
    weighted = Action(Act.WEIGHTED, (Share("p1", 90), Share("p2", 10), Share("p3", 0)))
    bench.serve(route("r1", "/", "", action=weighted))
    by_cookie = Counter(bench.pool(headers={"Cookie": f"vf_share={draw}"}) for draw in range(100))
    assert by_cookie == {"p1": 90, "p2": 10}
    fresh = bench.ask()
    assert "path=/; max-age=31536000; httponly; samesite=lax" in fresh.headers["set-cookie"].lower()
    draw = fresh.headers["set-cookie"].partition(";")[0]
    for _ in range(5):
        again = bench.ask(headers={"Cookie": draw})
        assert again.json()["name"] == fresh.json()["name"]
        assert "set-cookie" not in again.headers
    assert {bench.pool(headers={"Cookie": f"vf_share={odd}"}) for odd in ("100", "-1", "07", "", "x" * 500)} <= {
        "p1",
        "p2",
    }
    worker = bench.node.worker_pid
    shifted = Action(Act.WEIGHTED, (Share("p1", 50), Share("p2", 50), Share("p3", 0)))
    bench.serve(route("r1", "/", "", action=shifted))
    assert bench.node.worker_pid == worker, "other weights took a reload"
    by_cookie = Counter(bench.pool(headers={"Cookie": f"vf_share={draw}"}) for draw in range(100))
    assert by_cookie == {"p1": 50, "p2": 50}


def test_path_and_host_are_rewritten(bench: Alike) -> None:
    def rewritten(path: str, rewrite: Rewrite, key: str, **values: Any) -> Route:
        return route(key, path, handling=Handling(rewrite=rewrite), **values)

    bench.serve(
        rewritten("/api", Rewrite(prefix="/v1.0"), "r1"),
        rewritten("/cut/a.b", Rewrite(prefix="/"), "r2"),
        rewritten("/u", Rewrite(regex="^/u/([0-9]+)/(.*)$", replacement="/user%20\\1/of/\\2"), "r3"),
        rewritten("/host", Rewrite(host="other.test"), "r4"),
        rewritten("/", Rewrite(prefix="/root"), "r5"),
    )
    asked = {
        "/api": "/v1.0", "/api/x?q=%20": "/v1.0/x?q=%20", "/cut/a.b": "/", "/cut/a.b/x": "/x",
        "/u/7/a/b?c": "/user%207/of/a/b?c", "/u/x": "/u/x", "/z": "/root/z",
    }  # fmt: skip
    assert {path: bench.ask(path).json()["path"] for path in asked} == asked
    assert bench.ask("/host").json()["headers"]["host"] == "other.test"


def test_headers_are_set_added_and_removed(bench: Alike) -> None:
    odd = 'it\'s 100% %[src] ${HOME} "#1" \\'
    requests = (HeaderEdit(Edit.SET, "X-Set", odd), HeaderEdit(Edit.REMOVE, "X-Gone"))
    answers = (
        HeaderEdit(Edit.SET, "Server", odd),
        HeaderEdit(Edit.ADD, "X-More", "2"),
        HeaderEdit(Edit.REMOVE, "X-Secret"),
    )
    bench.serve(route("r1", handling=Handling(request_headers=requests, response_headers=answers)))
    bench.origins[0].said = {"X-More": "1", "X-Secret": "s"}
    answer = bench.ask(
        headers={"X-Set": "mine", "X-Gone": "x", "X-VeloFlux-Pool": "taaa_p2", "X-VeloFlux-Source": "6.6.6.6"}
    )
    seen = answer.json()["headers"]
    assert (seen["x-set"], "x-gone" in seen, seen["x-forwarded-for"]) == (odd, False, "127.0.0.1")
    assert not [name for name in seen if "veloflux" in name]
    assert (answer.headers["server"], answer.headers.get_list("x-more")) == (odd, ["1", "2"])
    assert not [name for name in answer.headers if name == "x-secret" or "veloflux" in name]


@pytest.mark.parametrize("handling", [Handling(), Handling(compression=True)], ids=["plain", "routed"])
def test_nobody_speaks_in_our_headers(bench: Alike, handling: Handling) -> None:
    bench.serve(route("r1", handling=handling))
    claims = {"X-VeloFlux-Lead": "taaa_r2/", "x_veloflux_lead": "taaa_r2/", "X-Veloflux_Source": "6.6.6.6"}
    seen = bench.ask(headers=claims).json()["headers"]
    assert not [name for name in seen if "veloflux" in name]


def test_another_pool_of_a_routed_host_is_a_command(bench: Alike) -> None:
    only = when(Condition(On.METHOD, value="GET"))
    bench.serve(route("r1", match=only))
    worker = bench.node.worker_pid
    report = converge(bench.node.node, bench.node.message(bench.state(route("r1", pool="p2", match=only))))
    assert [one.outcome.value for one in report.tenants] == ["live"]
    assert (bench.pool(), bench.node.worker_pid) == ("p2", worker)


def test_a_host_becomes_routed_with_the_reload_and_plain_without_one(bench: Alike) -> None:
    plain = (route("r1"), route("r2", "/api", "p2"))
    bench.serve(*plain)
    more = (plain[0], replace(plain[1], pool="p3", match=when(Condition(On.HEADER, Op.PRESENT, "x-a"))))
    report = converge(bench.node.node, bench.node.message(bench.state(*more)))
    assert [one.outcome.value for one in report.tenants] == ["reload_due"]
    assert "rules" in report.tenants[0].reason
    assert (bench.pool("/"), bench.pool("/api")) == ("p1", "p2"), "something changed before the reload"
    bench.serve(*more)
    assert (bench.pool("/api"), bench.pool("/api", headers=HEADERS)) == ("p1", "p3")
    worker = bench.node.worker_pid
    bench.serve(*plain)
    assert (bench.pool("/"), bench.pool("/api"), bench.node.worker_pid) == ("p1", "p2", worker)
    bench.serve(*more)
    assert (bench.pool("/api"), bench.pool("/api", headers=HEADERS)) == ("p1", "p3")


def test_the_access_log_names_pool_and_backend_once(bench: Alike) -> None:
    bench.serve(route("r1", "/", "p2", match=when(Condition(On.METHOD, value="GET"))))
    with reader(bench.node) as heard:
        bench.ask("/a")
        bench.ask("/b", "POST")
        lines = [parse(heard.recv(LINE_MAX + 1)) for _ in range(2)]
    assert next((one.path, one.status, one.proxy, one.server) for one in lines if one) == ("/a", 200, "taaa_p2", "b1")
    assert lines[1] is not None
    assert (lines[1].status, lines[1].path) == (404, "/b")


def test_nothing_drifts_with_a_router(bench: Alike) -> None:
    from balancer.edge.look import look_at_all
    from balancer.haproxy.planner import drift

    state = bench.state(route("r1", match=when(Condition(On.METHOD, value="GET"))))
    bench.node.tell(state)
    node = bench.node.node
    assert drift(state, look_at_all(node.runtime), node.capabilities) == []


def test_maintenance_says_so(bench: Alike) -> None:
    bench.serve(route("r1", handling=Handling(maintenance=Maintenance("<h1>Back soon</h1>", retry_after_s=60))))
    answer = bench.ask()
    assert (answer.status_code, answer.text, answer.headers["retry-after"]) == (503, "<h1>Back soon</h1>", "60")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_who_may_ask_from_elsewhere(bench: Alike) -> None:
    cors = Cors(
        ("https://a.test", "http://b.test:81"), ("GET", "PUT"), ("X-Q",), ("X-R",), credentials=True, max_age_s=60
    )
    bench.serve(route("r1", handling=Handling(cors=cors)))
    bench.origins[0].said = {"Access-Control-Allow-Origin": "*"}
    before = {"Origin": "http://b.test:81", "Access-Control-Request-Method": "PUT"}
    asked = bench.origins[0].asked
    answer = bench.ask(method="OPTIONS", headers=before)
    said = answer.headers
    assert (answer.status_code, bench.origins[0].asked) == (204, asked)
    assert said["access-control-allow-origin"] == "http://b.test:81"
    assert (said["access-control-allow-methods"], said["access-control-allow-headers"]) == ("GET, PUT", "X-Q")
    assert (said["access-control-max-age"], said["access-control-allow-credentials"], said["vary"]) == (
        "60",
        "true",
        "Origin",
    )
    mine = bench.ask(headers={"Origin": "https://a.test"}).headers
    assert mine.get_list("access-control-allow-origin") == ["https://a.test"]
    assert mine["access-control-expose-headers"] == "X-R"
    assert "access-control-allow-origin" not in bench.ask(headers={"Origin": "https://evil.test"}).headers
    bench.serve(route("r1", handling=Handling(cors=Cors(("*",)))))
    assert bench.ask(headers={"Origin": "https://any.test"}).headers["access-control-allow-origin"] == "*"


def test_a_body_has_a_limit_chunked_too(bench: Alike) -> None:
    bench.serve(route("r1", handling=Handling(max_body=100)), route("r2", "/large", handling=Handling(max_body=50_000)))

    def chunks(size: int) -> Iterator[bytes]:
        yield b"x" * (size // 2)
        yield b"x" * (size - size // 2)

    sent = {size: bench.ask(method="POST", content=b"x" * size).status_code for size in (0, 100, 101, 100_000)}
    assert sent == {0: 200, 100: 200, 101: 413, 100_000: 413}
    sent = {size: bench.ask(method="POST", content=chunks(size)).status_code for size in (2, 100, 101, 14_000)}
    assert sent == {2: 200, 100: 200, 101: 413, 14_000: 413}
    assert bench.ask("/large", "POST", content=b"x" * 50_000).json()["body"] == 50_000
    assert bench.ask("/large", "POST", content=chunks(12_000)).json()["body"] == 12_000
    wide = {"x-wide": "x" * 11_000}  # the head takes the place of what would be counted
    assert bench.ask("/large", "POST", content=chunks(60_000), headers=wide).status_code == 413
    assert bench.ask("/large?" + "q" * 11_000, "POST", content=chunks(60_000)).status_code == 413
    assert bench.ask("/large", headers=wide).status_code == 200
    assert bench.ask("/large", "POST", content=chunks(60_000)).status_code == 413


def test_an_answer_may_take_so_long(bench: Alike) -> None:
    import threading

    bench.serve(route("r1", handling=Handling(timeout_ms=200)))
    bench.origins[0].wait = threading.Event()
    answer = bench.ask()
    bench.origins[0].wait.set()
    assert (answer.status_code, answer.text) == (504, "The server took too long to answer.\n")


def test_answers_are_compressed_where_asked_for(bench: Alike) -> None:
    bench.serve(route("r1", "/packed", handling=Handling(compression=True)), route("r2"))
    bench.origins[0].said = {"Content-Type": "text/html"}
    bench.origins[0].body = "a" * 5000
    packed, plain = bench.ask("/packed"), bench.ask("/")
    assert (packed.headers.get("content-encoding"), packed.text) == ("gzip", "a" * 5000)
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in bench.ask("/packed", headers={"Accept-Encoding": "identity"}).headers


def test_retries_and_errors_are_the_pools(bench: Alike) -> None:
    state = bench.state(route("r1", match=when(Condition(On.METHOD, value="GET"))))
    dead = replace(state.pools[0], servers=(Server("b1", "127.0.0.1", 1), replace(state.pools[0].servers[0], key="b2")))
    bench.node.tell(replace(state, pools=(dead, *state.pools[1:])))
    assert {bench.pool() for _ in range(4)} == {"p1"}
    bench.node.tell(replace(state, pools=(replace(dead, servers=()), *state.pools[1:])))
    answer = bench.ask()
    assert (answer.status_code, answer.text) == (503, "No server of this site can answer now.\n")
    assert json.dumps(dict(answer.headers)).count("veloflux") == 0
