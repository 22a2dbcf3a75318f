"""The route tester says what HAProxy does: random routes, random requests, a real HAProxy."""

import http.client
import json
import random
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balancer.haproxy.desired import Pool, Route, Server, Tenant
from balancer.haproxy.explain import Asked, Verdict, explain
from balancer.haproxy.protection import ClientRules
from balancer.haproxy.routing import Act, Action, Cache, Condition, Handling, Match, On, Op, PathMatch, Share
from tests.live.edge.echo import echoes
from tests.live.edge.nodes import NO_CHECK, LiveNode

WORDS = ["a", "b", "ab", "abc", "1", "a-b", "x%20y"]
PATTERNS = [
    "^a",
    "b$",
    "^(a|b)$",
    "[a-c]{2}",
    "^/a/[^/]+$",
    "[0-9]",
    "a.c",
    "^ab?c?$",
    "\\w-\\w",
    "^/.*b",
]
PATHS = ["/", "/a", "/a/", "/a/b", "/ab", "/a/b/c", "/A", "/a//b", "/b.c", "/x%20y", "//", "/a/b?a=1", "/?a=b&b=a"]
QUERIES = ["a=a", "b=ab&a=1", "a=", "a", "X-A=abc;b=b", "a=1&a=ab"]
COOKIES = ["a=a", "b=ab; a=1", "a=", "a", "X-A=abc;b=b", "a=1; a=ab", "a = b"]
SOURCES = ["203.0.113.9", "10.1.2.3", "2001:db8::1", "127.0.0.1"]
NETWORKS = ["10.0.0.0/8", "2001:db8::/32", "203.0.113.9/32,10.0.0.0/8", "0.0.0.0/0"]
ALONE = [
    ("authorization", "x"),
    ("range", "bytes=0-1"),
    ("content-length", "0"),
    ("upgrade", "x"),
    ("x-host", "b.test"),
]
HOSTS = ["a.test", "b.test", "*.a.test"]
ASKED_HOSTS = [*HOSTS[:2], "x.a.test", "A.Test", "a.test:80", "b.test.", "x.y.a.test", "c.test"]

named = st.builds(
    Condition,
    st.sampled_from([On.HEADER, On.QUERY, On.COOKIE]),
    st.sampled_from([Op.EQUALS, Op.PREFIX, Op.SUFFIX, Op.CONTAINS]),
    st.sampled_from(["a", "b", "X-A"]),
    st.sampled_from(WORDS),
    st.booleans(),
)
conditions = st.one_of(
    named,
    st.builds(lambda one, pattern: replace(one, op=Op.REGEX, value=pattern), named, st.sampled_from(PATTERNS)),
    st.builds(lambda one: replace(one, op=Op.PRESENT, value=""), named),
    st.builds(Condition, st.just(On.METHOD), value=st.sampled_from(["GET", "POST", "GET,PUT"]), negate=st.booleans()),
    st.builds(Condition, st.just(On.SOURCE), value=st.sampled_from(NETWORKS), negate=st.booleans()),
)
caches = st.sampled_from([None, None, Cache(60), Cache(60, cookies=True)])
actions = st.sampled_from(
    [Action()] * 3
    + [
        Action(Act.REDIRECT, url="https://x.test/", code=307),
        Action(Act.RESPOND, status=418, body="tea"),
        Action(Act.WEIGHTED, (Share("p1", 0), Share("p2", 5))),
    ]
)


@st.composite
def routes(draw: st.DrawFn) -> tuple[Route, ...]:
    made = []
    for number in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from([PathMatch.PREFIX, PathMatch.PREFIX, PathMatch.EXACT, PathMatch.REGEX]))
        path = draw(
            st.sampled_from(PATTERNS if kind is PathMatch.REGEX else [each.partition("?")[0] for each in PATHS])
        )
        action = draw(actions)
        made.append(
            Route(
                f"r{number}", draw(st.sampled_from(HOSTS)), path,
                draw(st.sampled_from(["p1", "p2", "p3"])) if action.type is Act.POOL else "",
                draw(st.sampled_from([0, 0, 1, -1])),
                Match(kind, tuple(draw(st.lists(conditions, max_size=2)))), action,
                Handling(cache=draw(caches) if action.type in (Act.POOL, Act.WEIGHTED) else None),
            )
        )  # fmt: skip
    return tuple(made)


def request_of(random_: random.Random) -> Asked:
    headers = [("x-forwarded-for", random_.choice(SOURCES))]
    names = random_.sample(["a", "b", "x-a", "x-a"], random_.randint(0, 3))
    headers += [(name, random_.choice([*WORDS, "", "a,b", " a "])) for name in names]
    if random_.random() < 0.6:
        headers.append(("cookie", random_.choice(COOKIES)))
    if random_.random() < 0.3:
        headers.append(random_.choice(ALONE))
    target = random_.choice(PATHS)
    if random_.random() < 0.5:
        target += ("&" if "?" in target else "?") + random_.choice(
            ["a=a", "b=ab&a=1", "a=", "a", "X-A=abc;b=b", "a=1&a=ab"]
        )
    return Asked(
        random_.choice(ASKED_HOSTS),
        target,
        random_.choice(["GET", "POST", "PUT", "DELETE"]),
        tuple(headers),
        headers[0][1],
    )


def really(node: LiveNode, asked: Asked) -> tuple[str, bool | None]:
    """The pool that answered, or the status; and whether it went past what the route keeps, None where it keeps
    nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=5)
    connection.putrequest(asked.method, asked.target, skip_host=True, skip_accept_encoding=True)
    for name, value in (("host", asked.host), *asked.headers):
        connection.putheader(name, value)
    connection.putheader("connection", "close")
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    said = answer.getheader("x-cache")
    passed = None if said is None else said == "pass"
    return (json.loads(body)["name"] if answer.status == 200 else str(answer.status)), passed


def foretold(state: Tenant, asked: Asked) -> tuple[str, bool | None]:
    told = explain(state, asked)
    if told.verdict is Verdict.PASS:
        assert told.pools is not None
        passes = bool(told.cache.because) if told.cache else None
        return next(pool for pool, weight in told.pools.items() if weight), passes
    return str(told.status), None


def test_k3_what_the_tester_says_is_what_haproxy_does() -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vf-"))
        origins = stack.enter_context(echoes("p1", "p2", "p3"))
        node = LiveNode(Path(folder) / "n1")
        node.start()
        stack.callback(node.kill)
        pools = tuple(
            Pool(one.name, servers=(Server("b1", "127.0.0.1", one.server_port),), health_check=NO_CHECK)
            for one in origins
        )
        verdicts: set[tuple[str, bool | None]] = set()

        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        @given(routes(), st.integers(0, 1 << 30))
        def agree(made: tuple[Route, ...], seed: int) -> None:
            state = Tenant("taaa", pools, made, clients=ClientRules(proxies=("127.0.0.0/8",)))
            report = node.tell(state)
            assert [one.outcome.value for one in report.tenants] == ["live"], report
            random_ = random.Random(seed)
            for _ in range(40):
                asked = request_of(random_)
                assert really(node, asked) == foretold(state, asked), asked
                verdicts.add(foretold(state, asked))

        agree()
        assert {("p1", None), ("404", None), ("421", None)} <= verdicts
        assert {True, False} <= {passed for _, passed in verdicts}
