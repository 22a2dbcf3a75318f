"""Routes with something in every field."""

from balancer.haproxy.desired import Pool, Route, Tenant
from balancer.haproxy.routing import (
    Act,
    Action,
    Cache,
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

NAMED = (On.HEADER, On.QUERY, On.COOKIE)
CONDITIONS = (
    Condition(On.METHOD, value="GET,POST"),
    Condition(On.SOURCE, value="10.0.0.0/8,2001:db8::/32", negate=True),
    *(Condition(kind, Op.EQUALS, "X-A", "it's ${HOME} #1") for kind in NAMED),
    *(Condition(On.HEADER, op, "X-A", "-f x") for op in (Op.PREFIX, Op.SUFFIX, Op.CONTAINS)),
    Condition(On.HEADER, Op.REGEX, "X-A", "^v[0-9]+$"),
    Condition(On.COOKIE, Op.PRESENT, "b"),
)
HANDLING = Handling(
    Rewrite("/v1.0", "^/(a|b)/(.*)$", "/\\2/\\1%20", "b.test"),
    (HeaderEdit(Edit.SET, "X-A", "100% ${HOME} 'x' #"), HeaderEdit(Edit.REMOVE, "X-B")),
    (HeaderEdit(Edit.ADD, "X-C", "%[src]"), HeaderEdit(Edit.REMOVE, "Server")),
    Cors(("https://a.test", "http://b.test:81"), ("GET", "PUT"), ("X-Q",), ("X-C",), credentials=True, max_age_s=1),
    timeout_ms=500,
    max_body=1000,
    compression=True,
    maintenance=Maintenance("<p>\n${HOME}</p>", "text/html", 60),
    cache=Cache(60, 4096, cookies=True, purged=1_795_000_000_000),
)
PAGE = Action(Act.RESPOND, status=418, content_type="text/html; charset=utf-8", body="é\n\t%[env(X)] '\"\\ #")
SHARES = (Share("p1", 90), Share("p2", 10))


def ruled(key: str = "ta") -> Tenant:
    routes = (
        Route("r1", "a.test", "/api/", "p1", 7, Match(PathMatch.PREFIX, CONDITIONS), handling=HANDLING),
        Route("r2", "a.test", "/x%20y", "", action=Action(Act.REDIRECT, url="https://x/?a=1&b=2#f'", code=308)),
        Route("r3", "a.test", "/pre", "", action=Action(Act.REDIRECT, prefix="https://y.test", code=301)),
        Route("r4", "a.test", "^/re/[0-9]+$", "", match=Match(PathMatch.REGEX), action=PAGE),
        Route("r5", "*.a.test", "/", "", -3, Match(PathMatch.EXACT), Action(Act.WEIGHTED, SHARES)),
    )
    return Tenant(key, (Pool("p1"), Pool("p2")), routes)
