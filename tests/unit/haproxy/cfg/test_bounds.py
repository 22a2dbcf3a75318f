"""Reading a text costs what it has, and no text is too deep, too wide or too long to be answered."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from balancer.haproxy.cfg.convert import Converted, convert
from balancer.haproxy.cfg.sections import Unreadable
from balancer.haproxy.routing import MANY_HEADERS

HTTP, POOL = "defaults\n mode http\n", "backend b\n server s 10.0.0.1:80\n"


def front(rules: str, name: str = "f", port: int = 80) -> str:
    return f"frontend {name}\n mode http\n bind *:{port}\n{rules} default_backend b\n"


def many(n: int, line: str) -> str:
    return "".join(line.format(n=at) + "\n" for at in range(n))


def work(text: str) -> int:
    """How many lines of Python it takes: the same each time."""
    count = 0

    def tracer(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        count += 1
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        convert(text, hosts=["a.test"])
    finally:
        sys.settrace(before)
    return count


SHAPES: dict[str, Callable[[int], str]] = {
    "the same hosts twice": lambda n: (
        HTTP
        + front(many(n, " http-request deny if {{ path_beg /{n}x }}"))
        + front(many(n, " http-request deny if {{ path_beg /{n}x }}"), "g", 81)
        + POOL
    ),
    "one port and its times": lambda n: (
        "defaults\n mode tcp\n" + many(n, " timeout client {n}s") + "frontend f\n bind *:80\n"
        + many(n, " timeout client {n}s") + " default_backend b\n" + POOL
    ),
    "rules": lambda n: HTTP + front(many(n, " http-request deny if {{ path_beg /{n}x }}")) + POOL,
    "servers": lambda n: HTTP + "backend b\n" + many(n, " server s{n} 10.0.1.{n}:80"),
    "options": lambda n: HTTP + "backend b\n" + many(n, " option x{n}"),
    "binds": lambda n: HTTP + front(many(n, " bind *:80")) + POOL,
    "who takes over": lambda n: HTTP + front(many(n, " use_backend b if {{ nbsrv(b) lt 1 }}")) + POOL,
    "admitted": lambda n: (
        "defaults\n mode tcp\nfrontend f\n bind *:80\n"
        + many(n, " tcp-request connection accept if {{ src 10.0.{n}.0/24 }}")
        + many(n, " tcp-request connection reject") + " default_backend b\n" + POOL
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_ten_times_the_lines_are_ten_times_the_work(shape: str) -> None:
    made = SHAPES[shape]
    work(made(2))  # what is kept from the first time on
    few, lots = work(made(20)), work(made(200))
    assert lots < 13 * few


def refusal(text: str, hosts: int = 1) -> str:
    with pytest.raises(Unreadable) as raised:
        convert(text, hosts=[f"h{n}.test" for n in range(hosts)])
    return str(raised.value)


def sentences(found: Converted) -> set[str]:
    return {line.sentence for line in found.lines}


def test_more_headers_than_a_route_has_are_refused_by_their_line() -> None:
    rules = front(many(600, " http-request set-header X-{n} v"))
    assert refusal(HTTP + rules + POOL) == (
        f"Line 76: A route changes {MANY_HEADERS} headers at most of requests, and of answers."
    )
    found = convert(HTTP + front(many(MANY_HEADERS + 3, " http-request set-header X-{n} v")) + POOL, hosts=["a.test"])
    assert len(found.routes[0]["request_headers"]) == MANY_HEADERS
    assert sum("headers at most" in line.sentence for line in found.lines) == 3
    answers = front(many(12, " http-response set-header X-{n} v") + many(12, " http-after-response set-header Y-{n} v"))
    assert len(convert(HTTP + answers + POOL, hosts=["a.test"]).routes[0]["response_headers"]) == MANY_HEADERS


def test_rules_that_split_at_every_line_do_not_go_too_deep() -> None:
    asks = many(600, " http-request set-header X v if {{ hdr(x) {n} }}")
    assert "conditions at most" in refusal(HTTP + front(asks) + POOL)


def test_what_nobody_takes_is_walked_once() -> None:
    """Headers that are set for everybody, and no pool in the end."""
    rules = many(MANY_HEADERS, " http-request set-header X-{n} v") + " use_backend b if { path_beg /x }\n"
    found = convert(f"{HTTP}frontend f\n bind *:80\n{rules}{POOL}", hosts=["a.test"])
    assert [(one["path_prefix"], len(one["request_headers"])) for one in found.routes] == [("^/x", MANY_HEADERS)]


def test_an_acl_of_very_many_values_is_refused_where_it_is_asked() -> None:
    acl = "".join(f" acl x hdr(a) {' '.join(f'v{at}x{n}' for n in range(20))}\n" for at in range(20))
    found = convert(HTTP + front(f"{acl} http-request deny unless x\n") + POOL, hosts=["a.test"])
    assert any("asks more than" in sentence for sentence in sentences(found))
    assert len(found.routes) == 1


def test_more_listeners_than_anybody_has_are_refused_by_their_line() -> None:
    binds = "".join(" bind " + ",".join(f":{1000 + 20 * at + n}" for n in range(20)) + "\n" for at in range(20))
    said = refusal(f"defaults\n mode tcp\nfrontend f\n{binds} default_backend b\n{POOL}")
    assert said == "Line 19: its ports and names are too many listeners; import it in parts."


def test_long_defaults_are_not_read_for_a_thousand_sections() -> None:
    begun = HTTP + many(2000, " option httplog") + many(1000, "backend b{n}\n server s 10.0.0.1:80")
    assert "defaults" in refusal(begun)


def test_a_map_is_not_read_a_thousand_times() -> None:
    rules = many(60, " use_backend %[req.hdr(host),lower,map(hosts.map)] if {{ path_beg /{n} }}")
    assert "maps more than 50 times" in refusal(HTTP + front(rules) + POOL)
