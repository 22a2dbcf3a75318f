"""The lines of a pool about who goes where, who stays there, and how much it takes."""

from balancer.haproxy.desired import Algorithm
from balancer.haproxy.serving import BY_COOKIE, RetryOn, Serving, Sticky, StickyType
from balancer.haproxy.text import cookie_name, name

from .node import PEERS

CONSISTENT = "    hash-type consistent\n"  # without it HAProxy refuses `add server` and weights (H1)
BALANCE = {
    Algorithm.ROUND_ROBIN: "    balance roundrobin\n",
    Algorithm.WEIGHTED_ROUND_ROBIN: "    balance roundrobin\n",
    Algorithm.LEAST_CONN: "    balance leastconn\n",
    Algorithm.IP_HASH: f"    balance source\n{CONSISTENT}",
    Algorithm.URI_HASH: f"    balance uri\n{CONSISTENT}",
    Algorithm.RANDOM: "    balance random\n",
    Algorithm.FIRST: "    balance first\n",
}
RETRY = {
    RetryOn.EMPTY: "empty-response",
    RetryOn.TIMEOUT: "response-timeout",
    RetryOn.BAD_GATEWAY: "502",
    RetryOn.UNAVAILABLE: "503",
    RetryOn.GATEWAY_TIMEOUT: "504",
}
REMEMBERED = 100_000  # clients of one pool by source, on a node
SOURCE_TTL_S = 1800
BUSY = "Too many requests wait for this site."


def balance(algorithm: Algorithm, serving: Serving) -> str:
    if algorithm is Algorithm.HEADER_HASH:
        return f"    balance hdr({name(serving.hash_header)})\n{CONSISTENT}"
    return BALANCE[algorithm]


def render_serving(serving: Serving) -> str:
    return "".join((_retries(serving), _sticky(serving.sticky), _limits(serving)))


def _retries(serving: Serving) -> str:
    """Sent again is only what may be asked twice: never what a client sends to be stored."""
    if not serving.retry_on:
        return ""
    kinds = " ".join(RETRY[kind] for kind in dict.fromkeys(serving.retry_on))
    asks_again = "    http-request disable-l7-retry unless { method GET HEAD OPTIONS }\n"
    return f"    retry-on conn-failure {kinds}\n{asks_again}"


def _sticky(sticky: Sticky) -> str:
    if sticky.type is StickyType.SOURCE:
        ttl = sticky.ttl_s or SOURCE_TTL_S
        return f"    stick-table type ipv6 size {REMEMBERED:d} expire {ttl:d}s peers {PEERS}\n    stick on src\n"
    if sticky.type not in BY_COOKIE:
        return ""
    named = cookie_name(sticky.name)
    if sticky.type is StickyType.APP_COOKIE:
        return f"    cookie {named} prefix\n"
    idle = f" maxidle {sticky.ttl_s:d}s" if sticky.ttl_s else ""
    # HAProxy's own `secure` would lose the cookie where the site has no TLS; the node says which it is.
    return (
        f"    cookie {named} insert indirect nocache httponly attr SameSite=Lax{idle}\n"
        "    http-request set-var(txn.scheme) req.hdr(x-forwarded-proto)\n"
        f'    http-after-response replace-header Set-Cookie ^({_literal(named)}=.*)$ "\\1; Secure"'
        " if { var(txn.scheme) -m str https }\n"
    )


def _literal(named: str) -> str:
    """A name has one character that means something in a pattern."""
    return named.replace(".", "[.]")


def _limits(serving: Serving) -> str:
    refused = f'    http-request return status 503 content-type text/plain hdr Retry-After 1 string "{BUSY}\\n" if'
    most = f"{refused} {{ be_conn gt {serving.max_connections:d} }}\n" if serving.max_connections else ""
    wait = f"{refused} {{ queue ge {serving.max_queue:d} }}\n" if serving.max_queue else ""
    return most + wait
