"""What is done with the requests of one route, once it is chosen: lines of its router."""

from collections.abc import Sequence

from balancer.haproxy.desired import Route
from balancer.haproxy.routing import Act, Action, Cors, Edit, HeaderEdit, Maintenance, PathMatch, Rewrite
from balancer.haproxy.text import (
    body,
    content_type,
    host,
    log_format,
    name,
    path_prefix,
    quoted,
    regex,
    replacement,
    url,
)

COUNTED_MAX, HELD_MAX = 12_000, 13_000  # bytes of a body without a length, and with the head before it
NO_ROUTE = (
    '    http-request return status 404 content-type text/plain string "Nothing is routed here.\\n" unless chosen\n'
)
TOO_LARGE = '    http-request return status 413 content-type text/plain string "This is too large.\\n" if'
AFTER = "http-after-response"  # on our own answers too


def act_lines(route: Route) -> str:
    """Nothing for a route that only leads to a pool. Raises `Unprintable`."""
    handling, here = route.handling, f"is_{name(route.key)}"
    lines = ""
    if handling.maintenance:
        lines += _maintenance(handling.maintenance, here)
    if handling.cors:
        lines += _cors(handling.cors, name(route.key), here)
    if handling.max_body is not None:
        lines += _body_limit(handling.max_body, here)
    lines += _answer(route.action, here)
    lines += _rewrite(route, handling.rewrite, here)
    if handling.timeout_ms is not None:
        lines += f"    http-request set-timeout server {handling.timeout_ms:d}ms if {here}\n"
    lines += _headers("http-request", handling.request_headers, here)
    lines += _headers(AFTER, handling.response_headers, here)
    return lines and f"    acl {here} var(txn.route) -m str {name(route.key)}\n{lines}"


def _answer(action: Action, here: str) -> str:
    if action.type is Act.RESPOND:
        page = f" content-type {quoted(content_type(action.content_type))} string {body(action.body)}"
        return f"    http-request return status {action.status:d}{page if action.body else ''} if {here}\n"
    if action.type is Act.REDIRECT:
        how, where = ("prefix", action.prefix) if action.prefix else ("location", action.url)
        return f"    http-request redirect {how} {log_format(url(where))} code {action.code:d} if {here}\n"
    return ""


def _maintenance(page: Maintenance, here: str) -> str:
    return (
        f"    http-request return status 503 content-type {quoted(content_type(page.content_type))}"
        f" hdr Retry-After {page.retry_after_s:d} string {body(page.body)} if {here}\n"
    )


def _body_limit(most: int, here: str) -> str:
    """A body that does not say its length is waited for and counted. HAProxy holds 15 KB of a request (16 less 1, and 8
    bytes for each header): where head and body come near that, nobody can tell how much follows, and it is refused."""
    counted = min(most, COUNTED_MAX)
    return (
        f"    acl {here}_told req.hdr(content-length) -m found\n"
        f"{TOO_LARGE} {here} {{ req.hdr(content-length),add(0) gt {most:d} }}\n"
        f"    http-request wait-for-body time 10s at-least {counted + 1:d} if {here} !{here}_told\n"
        f"    http-request set-var(txn.body) req.body_len if {here}\n"
        f"    http-request set-var(txn.url) url,length,add(txn.body) if {here}\n"
        f"    http-request set-var(txn.held) req.hdrs,length,add(txn.url) if {here}\n"
        f"{TOO_LARGE} {here} !{here}_told {{ var(txn.body) -m int gt {counted:d} }}\n"
        f"{TOO_LARGE} {here} !{here}_told {{ var(txn.held) -m int gt {HELD_MAX:d} }}\n"
    )


def _rewrite(route: Route, rewrite: Rewrite, here: str) -> str:
    lines = ""
    if rewrite.prefix and route.match.path is PathMatch.PREFIX:
        lines += _other_prefix(route.path_prefix, rewrite.prefix, here)
    if rewrite.regex:
        lines += _replace_path(regex(rewrite.regex), rewrite.replacement, here)
    if rewrite.host:
        lines += f"    http-request set-header Host {log_format(host(rewrite.host))} if {here}\n"
    return lines


def _other_prefix(old: str, new: str, here: str) -> str:
    """What follows the old one stays; without a new one it still begins with a slash."""
    literal = "".join(one if one.isalnum() else f"\\x{ord(one):02x}" for one in path_prefix(old).rstrip("/"))
    after = path_prefix(new).rstrip("/")
    return _replace_path(f"^{literal}{'' if after else '/?'}(.*)", f"{after or '/'}\\1", here)


def _replace_path(pattern: str, by: str, here: str) -> str:
    return f"    http-request replace-path {quoted(pattern)} {replacement(by)} if {here}\n"


def _headers(rule: str, edits: Sequence[HeaderEdit], here: str) -> str:
    return "".join(
        f"    {rule} del-header {name(edit.name)} if {here}\n"
        if edit.action is Edit.REMOVE
        else f"    {rule} {edit.action.value}-header {name(edit.name)} {log_format(edit.value)} if {here}\n"
        for edit in edits
    )


def _cors(cors: Cors, key: str, here: str) -> str:
    """Who may ask from elsewhere: the browser's question beforehand is answered here, and not asked of the origin."""
    allow, anyone = "Access-Control-Allow", cors.origins == ("*",)
    from_whom = "-m found" if anyone else f"-m str -- {' '.join(quoted(one) for one in cors.origins)}"
    lists = "".join(
        f" hdr {allow}-{what} {log_format(', '.join(values))}"
        for what, values in (("Methods", cors.methods), ("Headers", cors.headers))
        if values
    )
    lines = (
        f"    acl {key}_asks req.fhdr(origin) {from_whom}\n"
        f"    acl {key}_before req.hdr(access-control-request-method) -m found\n"
        f"    acl {key}_said var(txn.origin) -m found\n"
        f"    http-request set-var(txn.origin) req.fhdr(origin) if {here} {key}_asks\n"
        f"    http-request return status 204{lists} hdr Access-Control-Max-Age {cors.max_age_s:d}"
        f" if {here} METH_OPTIONS {key}_before {key}_asks\n"
        f"    {AFTER} del-header '^access-control-allow-(origin|credentials)$' -m reg if {here}\n"
        f"    {AFTER} set-header {allow}-Origin {'*' if anyone else '%[var(txn.origin)]'} if {here} {key}_said\n"
    )
    if cors.credentials:
        lines += f"    {AFTER} set-header {allow}-Credentials true if {here} {key}_said\n"
    if cors.exposed:
        exposed = log_format(", ".join(cors.exposed))
        lines += f"    {AFTER} set-header Access-Control-Expose-Headers {exposed} if {here} {key}_said\n"
    return lines if anyone else f"{lines}    {AFTER} add-header Vary Origin if {here}\n"
