"""One state on two real nodes: routes of every kind do the same on both, to the byte, and a client that goes from one
node to the other stays where it was sent. One reload on each for all of it."""

from collections import Counter
from collections.abc import Iterator

import pytest

from balancer.edge.look import look_at_all
from balancer.haproxy.desired import Route
from balancer.haproxy.planner import drift
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
from tests.live.edge.alike import Alike
from tests.live.edge.test_routes import CONDITIONS, HEADERS

ODD = 'it\'s 100% %[src] ${HOME} "#1" \\'
URL = "https://x/%20?a=1&b=2#f'"
PAGE = "<p>\"é\" ${HOME}\n%[env(HOME)] 'x' #\\ \t;</p>\r\n"
CODES = (301, 302, 303, 307, 308)


def canary(first: int, second: int) -> Route:
    shares = (Share("p1", first), Share("p2", second), Share("p3", 0))
    return Route("canary", "canary.test", "/", "", action=Action(Act.WEIGHTED, shares))


def conditioned() -> Iterator[Route]:
    for number, (condition, _, _) in enumerate(CONDITIONS):
        host, match = f"h{number}.test", Match(conditions=(condition,))
        yield Route(f"c{number}", host, "/", "p2", match=match)
        yield Route(f"d{number}", host, "/", "p1")


EDITS = Handling(
    request_headers=(HeaderEdit(Edit.SET, "X-Set", ODD), HeaderEdit(Edit.REMOVE, "X-Gone")),
    response_headers=(
        HeaderEdit(Edit.SET, "Server", ODD),
        HeaderEdit(Edit.ADD, "X-More", "2"),
        HeaderEdit(Edit.REMOVE, "X-Secret"),
    ),
)
CORS = Cors(("https://a.test", "http://b.test:81"), ("GET", "PUT"), ("X-Q",), ("X-R",), credentials=True, max_age_s=60)
ROUTES = (
    *(Route(f"g{code}", "go.test", f"/{code}", action=Action(Act.REDIRECT, url=URL, code=code)) for code in CODES),
    Route("g1", "go.test", "/pre", action=Action(Act.REDIRECT, prefix="https://y.test/new", code=308)),
    Route("say", "say.test", "/", action=Action(Act.RESPOND, status=418, content_type="text/html", body=PAGE)),
    Route("w1", "re.test", "/api", "p1", handling=Handling(Rewrite(prefix="/v1.0"))),
    Route("w2", "re.test", "/u", "p1", handling=Handling(Rewrite("", "^/u/([0-9]+)/(.*)$", "/user%20\\1/of/\\2"))),
    Route("w3", "re.test", "/host", "p1", handling=Handling(Rewrite(host="other.test"))),
    Route("e1", "edits.test", "/", "p1", handling=EDITS),
    Route("p1", "path.test", "/", "p1"),
    Route("p2", "path.test", "/api", "p2"),
    Route("p3", "path.test", "/api/v1", "p3", match=Match(PathMatch.EXACT)),
    Route("p4", "path.test", r"^/img/[0-9]+\.(png|jpe?g)$", "p3", match=Match(PathMatch.REGEX)),
    Route("p5", "path.test", "/api/first", "p1", priority=1),
    Route("x1", "*.wild.test", "/", "p1", match=Match(conditions=(Condition(On.METHOD, value="GET"),))),
    Route("x2", "x.wild.test", "/", "p2"),
    Route("f1", "cors.test", "/", "p1", handling=Handling(cors=CORS)),
    Route("m1", "down.test", "/", "p1", handling=Handling(maintenance=Maintenance("<h1>Soon</h1>", "text/html", 60))),
    Route("m2", "down.test", "/", "p2", 1, Match(conditions=(Condition(On.COOKIE, Op.EQUALS, "staff", "1"),))),
    Route("z1", "packed.test", "/", "p1", handling=Handling(compression=True)),
    Route("l1", "limits.test", "/", "p1", handling=Handling(max_body=100)),
    *conditioned(),
)


@pytest.fixture
def both(pair: Alike) -> Alike:
    """`ask` holds their answers equal."""
    pair.quiet()
    serve(pair, canary(90, 10))
    return pair


def serve(pair: Alike, shares: Route) -> None:
    pair.serve(*ROUTES, shares, clients=ClientRules(proxies=("127.0.0.0/8",)))


def test_a_canarys_share_is_exact_and_a_client_stays_on_whichever_node(both: Alike) -> None:
    def shared() -> Counter[str]:
        return Counter(both.pool(host="canary.test", headers={"Cookie": f"vf_share={draw}"}) for draw in range(100))

    both.asked()
    assert shared() == {"p1": 90, "p2": 10}
    assert (both.origins[0].asked, both.origins[1].asked) == (180, 20)
    for drawn_by in (0, 1):
        fresh = both.on(drawn_by, host="canary.test")
        draw = {"Cookie": fresh.headers["set-cookie"].partition(";")[0]}
        again = [both.on(node, host="canary.test", headers=draw) for node in (0, 1)]
        assert [one.json()["name"] for one in again] == [fresh.json()["name"]] * 2
        assert not any("set-cookie" in one.headers for one in again)
    workers = both.workers
    serve(both, canary(50, 50))
    assert (shared(), both.workers) == ({"p1": 50, "p2": 50}, workers), "other weights took a reload, or were not kept"


def test_redirects_and_fixed_answers_arrive_as_written(both: Alike) -> None:
    for code in CODES:
        answer = both.ask(f"/{code}", host="go.test")
        assert (answer.status_code, answer.headers["location"]) == (code, URL)
    assert both.ask("/pre/a?b=c&d='", host="go.test").headers["location"] == "https://y.test/new/pre/a?b=c&d='"
    answer = both.ask(host="say.test")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (418, PAGE.encode(), "text/html")
    assert both.asked() == 0


def test_paths_and_hosts_are_rewritten(both: Alike) -> None:
    asked = {"/api": "/v1.0", "/api/x?q=%20": "/v1.0/x?q=%20", "/u/7/a/b?c": "/user%207/of/a/b?c", "/u/x": "/u/x"}
    assert {path: both.ask(path, host="re.test").json()["path"] for path in asked} == asked
    assert both.ask("/host", host="re.test").json()["headers"]["host"] == "other.test"
    assert both.asked() == 10


def test_headers_are_set_added_and_removed(both: Alike) -> None:
    both.origins[0].said = {"X-More": "1", "X-Secret": "s"}
    answer = both.ask(host="edits.test", headers={"X-Set": "mine", "X-Gone": "x", "X-VeloFlux-Source": "6.6.6.6"})
    seen = answer.json()["headers"]
    assert (seen["x-set"], "x-gone" in seen) == (ODD, False)
    assert (answer.headers["server"], answer.headers.get_list("x-more")) == (ODD, ["1", "2"])
    assert not [name for name in (*seen, *answer.headers) if name == "x-secret" or "veloflux" in name]


def test_a7_paths_expressions_priorities_and_wildcards(both: Alike) -> None:
    asked = {
        "/": "p1", "/apix": "p1", "/api/x": "p2", "/api/v1": "p3", "/api/v1/": "p2", "/img/12.png": "p3",
        "/img/12.gif": "p1", "/api/first/x": "p1",
    }  # fmt: skip
    assert {path: both.pool(path, host="path.test") for path in asked} == asked
    hosts = {"a.wild.test": "p1", "x.wild.test": "p2", "a.b.wild.test": "421", "nobody.test": "421"}
    assert {host: both.pool(host=host) for host in hosts} == hosts
    assert both.pool(method="POST", host="a.wild.test") == "404"


def test_every_condition_holds_or_does_not(both: Alike) -> None:
    for number, (condition, holds, not_so) in enumerate(CONDITIONS):
        host = f"h{number}.test"
        assert (both.pool(host=host, **holds), both.pool(host=host, **not_so)) == ("p2", "p1"), condition
    assert both.asked() == 4 * len(CONDITIONS)


def test_who_may_ask_from_elsewhere(both: Alike) -> None:
    before = {"Origin": "http://b.test:81", "Access-Control-Request-Method": "PUT"}
    answer = both.ask(method="OPTIONS", host="cors.test", headers=before)
    assert (answer.status_code, both.asked()) == (204, 0)
    assert answer.headers["access-control-allow-origin"] == "http://b.test:81"
    assert answer.headers["access-control-allow-methods"] == "GET, PUT"
    mine = both.ask(host="cors.test", headers={"Origin": "https://a.test"}).headers
    assert (mine["access-control-allow-origin"], mine["access-control-expose-headers"]) == ("https://a.test", "X-R")
    evil = both.ask(host="cors.test", headers={"Origin": "https://evil.test"}).headers
    assert "access-control-allow-origin" not in evil


def test_maintenance_compression_and_limits(both: Alike) -> None:
    down = both.ask(host="down.test", headers=HEADERS)
    assert (down.status_code, down.text, down.headers["retry-after"]) == (503, "<h1>Soon</h1>", "60")
    assert both.pool(host="down.test", headers={"Cookie": "staff=1"}) == "p2"
    sizes = {size: both.ask(method="POST", host="limits.test", content=b"x" * size).status_code for size in (100, 101)}
    assert sizes == {100: 200, 101: 413}
    both.origins[0].said, both.origins[0].body = {"Content-Type": "text/html"}, "a" * 5000
    packed = both.ask(host="packed.test")
    assert (packed.headers["content-encoding"], packed.text) == ("gzip", "a" * 5000)


def test_neither_drifts_and_both_say_the_same_of_themselves(both: Alike) -> None:
    state = both.state(*ROUTES, canary(90, 10), clients=ClientRules(proxies=("127.0.0.0/8",)))
    seen = [look_at_all(one.node.runtime) for one in both.nodes]
    assert [drift(state, one, node.node.capabilities) for one, node in zip(seen, both.nodes, strict=True)] == [[], []]
    assert seen[0].maps == seen[1].maps
