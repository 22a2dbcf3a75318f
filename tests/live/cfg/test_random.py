"""Random rules: what a real HAProxy does with them, and what the routes that are made of them would do.

The routes are asked by `explain`, which `tests/live/edge/test_tester.py` holds equal to what our nodes do.
"""

import http.client
import random
from pathlib import Path
from typing import Any

from balancer.haproxy.cfg.convert import convert
from balancer.haproxy.cfg.fates import Fate
from balancer.haproxy.cfg.sections import Unreadable
from balancer.haproxy.desired import Pool, Tenant
from balancer.haproxy.explain import Asked, Verdict, explain
from balancer.haproxy.route_columns import PLAIN, value_of
from balancer.haproxy.routing import Act
from tests.live.cfg.original import original
from tests.ports import free_port

HOST = "a.test"
PATHS = ["/", "/a", "/a/", "/a/b", "/ab", "/A", "/b", "/b/a.c", "/a.c", "/c", "/a/b.c", "/.c"]
TESTS = [
    "path /a", "path /a /b", "path -i /A", "path_beg /a", "path_beg /a/ /b", "path_beg -i /A", "path_end .c",
    "path_sub b", "path_dir a", "path_reg ^/[ab]$", "path_end -i .C b", "method POST", "method GET HEAD", "hdr(x) 1",
    "hdr(x) -i Q", "hdr_beg(x) q", "hdr(x) -m found", "hdr_cnt(x) eq 0", "cook(k) 1", "urlp(p) 1 2", "hdr(host) a.test",
    "hdr(host) b.test", "hdr_beg(host) -i A.", "src 127.0.0.0/8", "src 10.0.0.0/8", "always_true", "always_false",
    "hdr_sub(x) q r", "path_reg -i ^/A(/B)?$", "path_reg -i [^B-x]$", "path,lower -m reg ^/a[.]?", "hdr_reg(x) -i ^Q",
    "hdr_reg(host) -i ^[A-C][.]TEST$",
]  # fmt: skip
DOES = [
    "use_backend one", "use_backend two", "use_backend three", "http-request deny deny_status 403",
    "http-request return status 410", "http-request redirect location /x code 303", "redirect scheme https code 301",
    "http-request redirect prefix http://p.test", "http-request allow",
    "http-request redirect location http://%[hdr(host)]%[url] code 307",
]  # fmt: skip
REQUESTS = 14


def condition(chance: random.Random) -> str:
    def one() -> str:
        named = chance.choice(["first", "second", ""])
        asked = named or f"{{ {chance.choice(TESTS)} }}"
        return f"{chance.choice(['', '', '!'])}{asked}"

    terms = [" ".join(one() for _ in range(chance.randint(1, 3))) for _ in range(chance.choice([1, 1, 2]))]
    return f"{chance.choice(['if', 'if', 'unless'])} {' || '.join(terms)}"


def frontend(chance: random.Random, name: str, bind: str) -> str:
    acls = [f"    acl {chance.choice(['first', 'second'])} {chance.choice(TESTS)}" for _ in range(4)]
    acls += ["    acl first path_beg /b", "    acl second method POST"]
    rules = [f"    {chance.choice(DOES)} {condition(chance)}" for _ in range(chance.randint(1, 6))]
    last = ["    default_backend four"] if chance.random() < 0.7 else []
    return "\n".join([f"frontend {name}", "    mode http", f"    bind {bind}", *acls, *rules, *last, ""])


def request(chance: random.Random) -> Asked:
    headers = [("x", chance.choice(["1", "q", "Q", "qr", "zr"]))] if chance.random() < 0.5 else []
    headers += [("cookie", chance.choice(["k=1", "k=2; j=1"]))] if chance.random() < 0.4 else []
    target = chance.choice(PATHS) + chance.choice(["", "", "?p=1", "?p=3", "?q=1&p=2"])
    return Asked(HOST, target, chance.choice(["GET", "GET", "HEAD", "POST"]), tuple(headers), "127.0.0.1")


def state(text: str) -> Tenant | None:
    """None: some of it cannot be said, which is not what is looked at here."""
    try:
        found = convert(text, hosts=[HOST])
    except Unreadable:
        return None
    if any(line.fate is Fate.REFUSED for line in found.lines):
        return None
    pools = tuple(Pool(f"p{one['name']}") for one in found.pools)
    return Tenant("t1", pools=pools, routes=tuple(route(f"r{at}", one) for at, one in enumerate(found.routes)))


def route(key: str, told: dict[str, Any]) -> Any:
    columns = {**PLAIN, **{name: told[name] for name in PLAIN if name in told}}
    return value_of(key, told["host"], told["path_prefix"], told.get("pool"), columns)


def ours(tenant: Tenant, asked: Asked) -> tuple[Any, ...]:
    found = explain(tenant, asked)
    if found.verdict is Verdict.NO_ROUTE:
        return ("nobody",)
    assert found.route is not None
    action = found.route.action
    if action.type is Act.REDIRECT:
        return action.code, action.url or f"{action.prefix}{asked.target}"
    if action.type is Act.RESPOND:
        return ("nobody",) if action.status == 503 else (action.status, None)
    return (found.route.pool,)


def theirs(address: str, port: int, asked: Asked) -> tuple[Any, ...]:
    made = http.client.HTTPConnection(address, port, timeout=10)
    made.request(asked.method, asked.target, headers={"Host": asked.host, **dict(asked.headers)})
    got = made.getresponse()
    made.close()
    if got.headers["X-Pool"]:
        return (f"p{got.headers['X-Pool']}",)
    return ("nobody",) if got.status == 503 else (got.status, got.headers["Location"])


def test_random_rules_are_the_same(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    names = ("one", "two", "three", "four")
    serving = "".join(f"backend {one}\n    mode http\n    server s 10.0.0.1:80\n" for one in names)
    answering = "".join(
        f"backend {one}\n    mode http\n    http-request return status 200 hdr X-Pool {one}\n" for one in names
    )
    limits = "defaults\n    timeout client 30s\n    timeout connect 5s\n    timeout server 30s\n"
    port = free_port()
    kept: list[tuple[str, str, Tenant]] = []  # each has an address of its own
    while len(kept) < 120:
        address = f"127.0.0.{len(kept) + 1}"
        text = frontend(chance, f"f{len(kept)}", f"{address}:{port}")
        tenant = state(text + serving)
        if tenant is not None:
            kept.append((address, text, tenant))
    whole = limits + "".join(text for _, text, _ in kept) + answering
    compared = 0
    with original(tmp_path, whole, (port,)):
        for address, text, tenant in kept:
            for _ in range(REQUESTS):
                asked = request(chance)
                told = f"{asked}\n{text}"
                assert ours(tenant, asked) == theirs(address, port, asked), told
                compared += 1
    assert compared == 120 * REQUESTS
