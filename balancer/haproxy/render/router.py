"""A host's router: which of its routes takes a request, as lines of a section of the tenant's own.

The outer frontend sends the whole host here. The first route that fits is kept in a variable, what it does is done
(`actions`), and the request goes on to the pool through the node's inner frontend (`inner`): a backend of HAProxy's
cannot choose another.
"""

from balancer.haproxy.desired import Route
from balancer.haproxy.keeping import SHARE_COOKIE
from balancer.haproxy.networks import network
from balancer.haproxy.regex import SUBJECT_MAX
from balancer.haproxy.routing import Act, Condition, On, Op, PathMatch
from balancer.haproxy.sites import DRAWS, Site, router_name
from balancer.haproxy.text import Unprintable, http_method, name, path_prefix, quoted, regex

from .actions import NO_ROUTE, act_lines
from .cache import request_lines, response_lines
from .inner import LEAD_HEADER, PACKED_SOCKET, PLAIN_SOCKET, SERVED_HEADER, SOURCE_HEADER
from .node import DEFAULTS

CUT = f"bytes(0,{SUBJECT_MAX})"
DRAWN = "^([0-9]|[1-9][0-9])$"
KEPT = f'"{SHARE_COOKIE}=%[var(txn.draw)]; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"'
FLAGS = {Op.EQUALS: "str", Op.PREFIX: "beg", Op.SUFFIX: "end", Op.CONTAINS: "sub"}
FETCHES = {On.HEADER: "req.fhdr", On.QUERY: "url_param", On.COOKIE: "req.cook"}
# A day: how long an answer may take is the pool's to say. An idle connection is the router's to close.
PATIENCE = "    retries 0\n    http-reuse always\n    timeout server 24h\n    timeout queue 1m\n"


def render_router(tenant_key: str, site: Site) -> str:
    """One section, ending in an empty line. Raises `Unprintable`."""
    return (
        f"backend {router_name(tenant_key, site.host)} from {DEFAULTS}\n{PATIENCE}"
        "    http-request set-var(txn.at) var(txn.path),concat(/)\n"
        "    acl chosen var(txn.route) -m found\n"
        f"{''.join(_choice(route) for route in site.routes)}{NO_ROUTE}"
        f"{''.join(act_lines(route) for route in site.routes)}"
        f"{_told_back()}{response_lines(tenant_key, site)}"
        f"{_lead(tenant_key, site)}{request_lines(tenant_key, site)}{_on(site)}\n"
    )


def _choice(route: Route) -> str:
    key = name(route.key)
    tests = [f"{key}_path {_path(route)}"]
    tests += [f"{key}_{number} {_condition(one)}" for number, one in enumerate(route.match.conditions)]
    asked = " ".join(f"{'!' if one.negate else ''}{key}_{number}" for number, one in enumerate(route.match.conditions))
    acls = "".join(f"    acl {test}\n" for test in tests)
    return f"{acls}    http-request set-var(txn.route) str({key}) if !chosen {key}_path {asked}".rstrip() + "\n"


def _path(route: Route) -> str:
    """By segments, as in the maps: both sides end in a slash."""
    match route.match.path:
        case PathMatch.EXACT:
            return f"var(txn.path) -m str -- {quoted(path_prefix(route.path_prefix))}"
        case PathMatch.REGEX:
            return f"var(txn.path),{CUT} -m reg -- {quoted(regex(route.path_prefix))}"
    return f"var(txn.at) -m beg -- {quoted(path_prefix(route.path_prefix).rstrip('/') + '/')}"


def _condition(one: Condition) -> str:
    if one.type is On.METHOD:
        return f"var(txn.method) -m str -- {' '.join(http_method(each) for each in one.value.split(','))}"
    if one.type is On.SOURCE:
        return f"src -- {' '.join(networks(one.value))}"
    fetch = f"{FETCHES[one.type]}({name(one.name)})"
    if one.op is Op.PRESENT:
        return f"{fetch} -m found"
    if one.op is Op.REGEX:
        return f"{fetch},{CUT} -m reg -- {quoted(regex(one.value))}"
    return f"{fetch} -m {FLAGS[one.op]} -- {quoted(one.value)}"


def networks(value: str) -> list[str]:
    try:
        return [str(network(each)) for each in value.split(",")]
    except ValueError as refusal:
        raise Unprintable("not a list of networks") from refusal


def _lead(tenant_key: str, site: Site) -> str:
    """What the inner frontend finds the pool by. A client of a weighted route brings its draw, or gets one to keep."""
    lead = f"    http-request set-var(txn.lead) str({name(tenant_key)}_),concat(,txn.route,/)\n"
    weighted = [name(route.key) for route in site.routes if route.action.type is Act.WEIGHTED]
    if not weighted:
        return lead
    return (
        f"{lead}    acl weighted var(txn.route) -m str {' '.join(weighted)}\n"
        f"    acl placed var(txn.draw) -m reg '{DRAWN}'\n"
        "    acl drawn var(txn.drawn) -m found\n"
        f"    http-request set-var(txn.draw) req.cook({SHARE_COOKIE}) if weighted\n"
        "    http-request set-var(txn.drawn) str(1) if weighted !placed\n"
        f"    http-request set-var(txn.draw) rand({DRAWS}) if drawn\n"
        "    http-request set-var(txn.lead) var(txn.lead),concat(,txn.draw) if weighted\n"
        f"    http-response add-header Set-Cookie {KEPT} if drawn\n"
    )


def _on(site: Site) -> str:
    """To the inner frontend."""
    packed = [name(route.key) for route in site.routes if route.handling.compression]
    servers = f"    server on unix@{PLAIN_SOCKET}\n"
    if packed:
        # Not by weight: `use-server` alone sends requests there.
        servers = (
            f"    use-server packed if {{ var(txn.route) -m str {' '.join(packed)} }}\n"
            f"{servers}    server packed unix@{PACKED_SOCKET} weight 0\n"
        )
    return (
        f"    http-request set-header {LEAD_HEADER} %[var(txn.lead)]\n"
        f"    http-request set-header {SOURCE_HEADER} %[src]\n{servers}"
    )


def _told_back() -> str:
    """What the inner frontend says, for the access log."""
    hear = f"    http-response set-var(txn.served) res.hdr({SERVED_HEADER})\n"
    return f"{hear}    http-response del-header {SERVED_HEADER}\n"
