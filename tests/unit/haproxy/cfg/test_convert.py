"""What becomes of a configuration: its objects, the order of its rules, and one fate for each of its lines."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balancer.haproxy.cfg.convert import Converted, convert
from balancer.haproxy.cfg.fates import Fate
from balancer.haproxy.cfg.sections import Unreadable
from balancer.haproxy.cfg.sites import NeedsHost

WEB = "frontend web\n mode http\n bind :80\n"
POOLS = "backend a\n mode http\n server a1 10.0.0.1:80\nbackend b\n mode http\n server b1 10.0.0.2:80\n"


def of(rules: str, pools: str = POOLS, host: str = "x.test") -> Converted:
    return convert(f"{WEB}{rules}\n{pools}", hosts=[host] if host else [])


def fates(found: Converted) -> dict[str, Fate]:
    return {line.text.strip(): line.fate for line in found.lines}


def sentence(found: Converted, begins: str) -> str:
    return next(line.sentence for line in found.lines if line.text.strip().startswith(begins))


def routes(found: Converted) -> list[tuple[Any, ...]]:
    """In the order in which they are tried."""
    ordered = sorted(found.routes, key=lambda one: -one["priority"])
    return [
        (one["host"], one["path_match"], one["path_prefix"], one.get("pool") or one["action"]["type"])
        for one in ordered
    ]


def test_who_chooses_a_server_by_a_rule_is_told_what_to_do() -> None:
    found = of(" default_backend a", POOLS + " use-server b1 if { path_beg /x }\n")
    assert fates(found)["use-server b1 if { path_beg /x }"] is Fate.REFUSED
    assert "make a backend of that server, and lead to it by a use_backend rule" in sentence(found, "use-server")


def test_the_order_of_rules_is_the_order_of_routes() -> None:
    found = of(" use_backend a if { path_beg /x }\n use_backend b if { path_end .y }\n default_backend a")
    assert routes(found) == [
        ("x.test", "regex", "^/x", "a"), ("x.test", "regex", "\\.y$", "b"), ("x.test", "prefix", "/", "a"),
    ]  # fmt: skip


def test_what_is_left_out_goes_on_down_the_rules() -> None:
    """`!path_beg /x`: who asks for /x gets what the rules after it say, before anybody is redirected."""
    rules = " http-request redirect scheme https unless { path_beg /x }\n use_backend a if { path /x/y }\n"
    found = of(f"{rules} default_backend b")
    assert routes(found) == [
        ("x.test", "exact", "/x/y", "a"), ("x.test", "regex", "^/x", "b"), ("x.test", "prefix", "/", "redirect"),
    ]  # fmt: skip
    assert found.routes[-1]["action"] == {"type": "redirect", "prefix": "https://x.test", "code": 302}


def test_a_frontend_with_nothing_strange_has_no_refused_line() -> None:
    found = of(" option httplog\n maxconn 5\n timeout client 5s\n log global\n default_backend a")
    assert [one.text for one in found.lines if one.fate is Fate.REFUSED] == []


def test_hosts_are_sites_and_none_is_asked_for_where_they_are_named() -> None:
    found = of(" use_backend a if { hdr(host) -i A.test }\n use_backend b if { hdr_end(host) .c.test }", host="")
    assert [(one["host"], one["pool"]) for one in found.routes] == [("a.test", "a"), ("*.c.test", "b")]


def test_a_host_is_asked_for_where_none_is_named() -> None:
    with pytest.raises(NeedsHost):
        of(" default_backend a", host="")


def test_any_and_all_and_not() -> None:
    rules = (
        " acl get method GET\n acl in src 10.0.0.0/8 10.1.2.3/255.255.0.0\n acl beta hdr(x-beta) 1\n"
        " acl beta cook(beta) -m found\n"
        " use_backend a if get beta !in or { urlp(q) -m sub x } TRUE\n default_backend b"
    )
    found = of(rules)
    assert [one["conditions"] for one in found.routes] == [
        [
            {"type": "method", "value": "GET"},
            {"type": "header", "name": "x-beta", "op": "equals", "value": "1"},
            {"type": "source", "value": "10.0.0.0/8,10.1.0.0/16", "negate": True},
        ],
        [
            {"type": "method", "value": "GET"},
            {"type": "cookie", "name": "beta", "op": "present"},
            {"type": "source", "value": "10.0.0.0/8,10.1.0.0/16", "negate": True},
        ],
        [{"type": "query", "name": "q", "op": "contains", "value": "x"}],
        [],
    ]
    assert set(fates(found).values()) == {Fate.MANAGED, Fate.NOTE}


def test_a_header_for_some_is_a_route_for_them() -> None:
    found = of(" http-request set-header X-A 1 if { path_beg /x }\n default_backend a")
    assert [(one["path_prefix"], one.get("request_headers", [])) for one in found.routes] == [
        ("^/x", [{"action": "set", "name": "X-A", "value": "1"}]), ("/", []),
    ]  # fmt: skip


def test_who_takes_over_is_a_backup_pool() -> None:
    found = of(" acl dead nbsrv(a) lt 1\n use_backend b if dead\n default_backend a")
    assert found.pools[0]["backup_pool"] == "b"
    assert len(found.routes) == 1


def test_a_server_and_its_words() -> None:
    pool = (
        "backend a\n mode http\n balance source\n option httpchk GET /up\n http-check send hdr Host app.test\n"
        " stick-table type ip size 1m expire 10m\n stick on src\n default-server inter 3s fall 5 check\n"
        " server one 10.0.0.1:8443 weight 20 ssl verify none sni str(app.test) send-proxy-v2 maxconn 9\n"
        " server two [2001:db8::1]:8443 backup disabled ssl verify none sni str(app.test) send-proxy-v2\n"
    )
    document = of(" default_backend a", pool).pools[0]
    assert document == {
        "name": "a", "algorithm": "ip_hash", "proxy_protocol": "v2",
        "health_check": {
            "type": "http", "method": "GET", "path": "/up", "host": "app.test", "interval": "3s", "rise": 2, "fall": 5,
        },
        "sticky": {"type": "source", "ttl": "600s"},
        "tls": {"enabled": True, "verify": False, "sni": "app.test"},
        "backends": [
            {"address": "10.0.0.1:8443", "description": "server one", "weight": 20, "max_connections": 9},
            {
                "address": "[2001:db8::1]:8443", "description": "server two", "weight": 1, "backup": True,
                "admin": "maint",
            },
        ],
    }  # fmt: skip


def test_a_server_may_have_a_name() -> None:
    document = of(
        " default_backend a", "backend a\n mode http\n server n app.internal:80 resolvers dns init-addr none\n"
    )
    assert document.pools[0]["backends"] == [{"address": "app.internal:80", "description": "server n"}]
    assert sentence(document, "server n") == "Without resolvers, init-addr."


@pytest.mark.parametrize(
    "line",
    [
        "server n app:80",
        "server n 10.0.0.256:80",
        "server n app..internal:80",
        "server n 10.0.0.1",
        "server n unix@/run/x.sock",
        "server n 10.0.0.1:80 agent-check",
        "server n 10.0.0.1:+5",
        "server n *:80",
        "balance url_param(id)",
        "cookie X rewrite",
        "stick on req.cook(x)",
        "server-template s 1-3 10.0.0.1:80",
        "http-request auth",
        "http-request set-header X-A %[src]",
        "http-request set-header Connection close",
        "http-request return file /etc/passwd",
        "http-request redirect location https://%[src]/",
        "http-request deny if { path,url_dec -m beg /a }",
        "http-request deny if { path_beg -f /etc/paths.lst }",
        "http-request deny if { path_reg (a+)+$ }",
        "http-request deny if nobody",
        "http-request lua.hello",
        "http-response set-header X-A 1 if { status 200 }",
        "use-server a1 if { path /a }",
        "filter compression",
        "something else",
        "tcp-request content reject if { src 10.0.0.1 }",
    ],
)
def test_what_cannot_be_carried_is_refused_with_its_number(line: str) -> None:
    found = of(" default_backend a", f"{POOLS}{' ' if line else ''}{line}\n")
    told = found.lines[-1]
    assert (told.text.strip(), told.fate) == (line, Fate.REFUSED)
    assert told.sentence.endswith((".", "…"))


@pytest.mark.parametrize(
    "line",
    ["use_backend nowhere", "use_backend %[req.hdr(host),map(/etc/hosts.map)]", "use_backend b if { base_beg x/y }",
     "use_backend b if { path_beg /a } { path_reg ^/b }", "use_backend b if { ssl_fc_sni x.test }"],
)  # fmt: skip
def test_a_rule_that_cannot_be_said_is_refused_and_the_others_stay(line: str) -> None:
    found = of(f" {line}\n default_backend a")
    assert fates(found)[line] is Fate.REFUSED
    assert [one["pool"] for one in found.routes] == ["a"]


def test_two_frontends_for_the_same_hosts_are_told_apart_by_tls_alone() -> None:
    text = f"{WEB} default_backend a\nfrontend tls\n mode http\n bind :443 ssl crt /x.pem\n default_backend b\n{POOLS}"
    found = convert(text, hosts=["x.test"])
    assert [(one["pool"], one["conditions"][0]["value"]) for one in found.routes] == [("a", "http"), ("b", "https")]
    other = convert(text.replace(" ssl crt /x.pem", ""), hosts=["x.test"])
    assert [one["pool"] for one in other.routes] == ["a"]
    assert "frontend web takes the same hosts" in sentence(other, "default_backend b")


def test_tcp_is_a_listener_and_names_in_tls_are_passed_through() -> None:
    text = (
        "defaults\n mode tcp\n timeout client 10m\nfrontend db\n bind :3306,:3307\n default_backend a\n"
        "frontend tls\n bind :443\n tcp-request inspect-delay 5s\n"
        " tcp-request content accept if { req_ssl_hello_type 1 }\n"
        " use_backend a if { req_ssl_sni -i One.test two.test }\nbackend a\n server a1 10.0.0.1:3306\n"
    )
    found = convert(text, ports=lambda port: port == 3307)
    assert found.pools[0]["mode"] == "tcp"
    assert [(one["kind"], one.get("port"), one.get("host"), one.get("idle_timeout")) for one in found.listeners] == [
        ("tcp", None, None, "600s"), ("tcp", 3307, None, "600s"),
        ("tls_passthrough", None, "one.test", None), ("tls_passthrough", None, "two.test", None),
    ]  # fmt: skip
    assert Fate.REFUSED not in fates(found).values()


WORDS = [
    "global", "defaults", "frontend", "backend", "listen", "peers", "mode", "http", "tcp", "bind", ":80",
    "127.0.0.1:443", "ssl", "crt", "/x.pem", "acl", "x", "!x", "path_beg", "/a", "/b", "path", "path_end", ".c",
    "path_reg", "^/[a-b]", "hdr(host)", "hdr_end(host)", ".q.test", "a.test", "b.test", "-i", "-f", "if", "unless",
    "{", "}", "||", "or", "use_backend", "default_backend", "web", "db", "server", "s1", "10.0.0.1:80", "10.0.0.2:81",
    "name:80", "check", "weight", "5", "backup", "cookie", "SRV", "insert", "balance", "roundrobin", "timeout",
    "connect", "client", "5s", "1x", "option", "httpchk", "httplog", "GET", "http-request", "deny", "redirect",
    "scheme", "https", "location", "prefix", "code", "301", "set-header", "X-A", "%[src]", "fmt", "return", "status",
    "200", "string", "\"two", "words\"", "allow", "replace-path", "^/(.*)", "/\\1", "nbsrv(web)", "lt", "1", "method",
    "GET", "src", "10.0.0.0/8", "monitor-uri", "stick-table", "type", "ip", "stick", "on", "compression", "algo",
    "gzip", "disabled", "from", "log", "capture", ".if", ".endif", "#", "'", "\\\"", "\\", "tcp-request",
    "connection", "reject", "content", "accept", "req_ssl_sni", "maxconn", "errorfile", "http-response",
]  # fmt: skip
lines = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)
begun = st.builds(lambda head, rest: f"{head} {rest}", st.sampled_from([
    "frontend web", "frontend f2", "backend web", "backend db", "listen l1", "defaults", "global", " bind :80",
    " mode http", " mode tcp", " use_backend web if", " default_backend web", " acl x", " http-request deny if",
    " server s1 10.0.0.1:80", " http-request redirect scheme https if", " http-request set-header X-A 1 unless",
    " tcp-request connection reject if",
]), lines)  # fmt: skip


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.one_of(lines, begun), max_size=25), st.booleans())
def test_every_line_has_one_fate_and_nothing_else_is_raised(text: list[str], named: bool) -> None:
    whole = "\n".join(text)
    try:
        found = convert(whole, hosts=["h.test"] if named else [], ports=lambda port: port == 80)
    except (Unreadable, NeedsHost):
        return
    expected = whole.split("\n") if text[-1] else whole.split("\n")[:-1]
    assert [(one.line, one.text) for one in found.lines] == list(enumerate(expected, 1))
    for one in found.lines:
        assert bool(one.objects) or one.sentence, one
        assert (one.fate is Fate.MANAGED) <= bool(one.objects)
    known = {one["name"] for one in found.pools}
    assert len(known) == len(found.pools)
    for route in found.routes:
        assert route.get("pool") is None or route["pool"] in known
    assert {at.split("/")[1] for at in found.where} <= {"pools", "routes", "listeners"}


def test_a_thousand_rules_and_hosts_end_soon() -> None:
    rules = "\n".join(
        f" use_backend a if {{ hdr(host) h{n}.test }} !{{ path_beg /{n} }} !{{ path_end .{n} }}" for n in range(1500)
    )
    with pytest.raises(Unreadable):
        of(rules)
    split = "\n".join(f" http-request set-header X-{n} 1 if {{ hdr(x) {n} }}" for n in range(40))
    with pytest.raises(Unreadable):
        of(f"{split}\n default_backend a")
    many = " ".join(f"{{ hdr(x) a{n} b{n} c{n} }}" for n in range(5))
    assert "alternatives" in sentence(of(f" use_backend b if {many}\n default_backend a"), "use_backend b")
