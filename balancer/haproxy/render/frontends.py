"""The frontends: the same lines for everyone, and no tenant's text.

Host -> tenant -> client -> suspended? -> limits -> route -> pool, by maps and variables, so that all of it changes
without a reload (`haproxy.md` 2.4, 2.5).
"""

from balancer.haproxy.access_log import FORMAT, PER_SECOND
from balancer.haproxy.running import FALLBACKS, HOSTS, LIMITS, ROUTES, TENANTS
from balancer.haproxy.serving import FALLBACK_STEPS
from balancer.haproxy.text import quoted, word

from .clients import CLIENT, CLIENT_TABLE, CLIENT_TABLE_LINE, COUNTED_CLIENT, headers
from .inner import render_inner
from .listeners import render_passthrough
from .node import DEFAULT_CERTIFICATE, DEFAULTS, NodeSettings

# In the tree, as the maps are, and called so by the Runtime API whatever tree runs (2.6.12: `new ssl cert`, `set`,
# `commit` and `add ssl crt-list tls/http.list` after a reload). A certificate's own name there is its whole path.
CERTIFICATE_LIST = "tls/http.list"
TENANT_TABLE = "st_tenant"
MASK = 2**32 - 1  # a tag has 32 bits
COUNTED = "gpt0,gpc0,gpc0_rate(1s),gpc1,http_req_cnt,http_req_rate(10s),http_err_cnt,bytes_in_cnt,bytes_out_cnt"


def ours(status: int, sentence: str, condition: str, header: str = "") -> str:
    """One response of our own: small, text, and the same for everyone."""
    return (
        f'    http-request return status {status} content-type text/plain{header} string "{sentence}\\n" {condition}\n'
    )


# HAProxy's own pages are HTML. In the frontend, because a copy in every pool would cost memory and reload time.
ERRORS = {
    400: "This request is not HTTP that we understand.",
    408: "The request took too long to arrive.",
    500: "Something went wrong here.",
    502: "The server's answer could not be understood.",
    503: "No server of this site can answer now.",
    504: "The server took too long to answer.",
}
PAGES = "".join(
    f'    http-error status {status} content-type text/plain string "{sentence}\\n"\n'
    for status, sentence in ERRORS.items()
)

# In HTTP/2 an Upgrade is what HAProxy makes of a CONNECT to a `:protocol` (RFC 8441), with a body that never ends. Were
# the header taken away below, the request would go on as a GET, and what follows it would have no frame.
METHODS = f"""    acl tunnel req.hdr(Upgrade) -m found
    acl socket req.fhdr(Upgrade) -m str -i websocket
{ours(405, "This method is not for sites.", "if METH_CONNECT || METH_TRACE || { fc_http_major 2 } tunnel !socket")}"""

# Whatever a client says about where it came from is a claim: origins only see what we saw. With underscores too,
# which CGI and WSGI read as hyphens. What Connection lists, a proxy behind us would drop of ours (RFC 9110 7.6.1).
# An origin that speaks h2c would make a tunnel of an upgrade to it, and nothing of this would hold for what follows
# (HAProxy 2.6.12 lets it through).
CLAIMS = """    http-request del-header '^x[_-]veloflux[_-]' -m reg
    http-request del-header '^(x[_-]forwarded[_-]|x[_-]real[_-]ip$|x[_-]request[_-]id$|forwarded$)' -m reg
    http-request del-header Upgrade if { req.hdr(Upgrade) -i -m beg h2 }
    acl upgrades req.hdr(Connection) -i upgrade
    acl to_what req.hdr(Upgrade) -m found
    http-request set-header Connection upgrade if upgrades to_what
    http-request del-header Connection unless upgrades to_what
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
    http-request set-header X-Forwarded-Host %[req.fhdr(host)]
    unique-id-format %[uuid()]
    unique-id-header X-Request-Id
"""

# `fhdr`, because `hdr` would take the last of "a.test,b.test". A wildcard stands for one label of a host name; an
# exact host hides it. HAProxy itself refuses two different Host headers, and an absolute URI of another host.
TENANT = f"""    http-request set-var(txn.path) path
    http-request set-var(txn.method) method
    http-request set-var(txn.host) req.fhdr(host),field(1,:),rtrim(.),lower
    http-request set-var(txn.site) var(txn.host)
    http-request set-var(txn.tenant) var(txn.site),map_str({HOSTS})
    http-request set-var(txn.site) var(txn.host),regsub(^[a-z0-9_-]+\\.,*.) unless {{ var(txn.tenant) -m found }}
    http-request set-var(txn.tenant) var(txn.site),map_str({HOSTS}) unless {{ var(txn.tenant) -m found }}
{ours(421, "No site has this name here.", "unless { var(txn.tenant) -m found }")}"""

# So many lines of a tenant's a second and no more, whatever it is asked: none floods what the others are read from. Of
# who is nobody's tenant there are none. `gpc0` counts what is written, `gpc1` what is not, which the next line tells.
LOGGED = f"""    http-request track-sc0 var(txn.tenant) table {TENANT_TABLE}
    acl chatty sc0_gpc0_rate ge {PER_SECOND}
    http-request set-var(txn.left_out) sc0_get_gpc1
    http-request set-log-level info unless chatty
    http-request sc-inc-gpc1(0) if chatty
    http-request sc-inc-gpc0(0) unless chatty
"""

AGAIN = " hdr Retry-After 1"


def _look(counter: int, limit: str, those: str) -> str:
    """Where the bucket of `sc<counter>` would be after this request: `spent`, if that is too far. The variable `limit`
    begins with rate and burst."""
    return f"""    http-request set-var(txn.rps) var(txn.{limit}),field(1,/),add(0) if {those}
    http-request set-var(txn.cost) int(1000000),div(txn.rps) if {those}
    http-request set-var(txn.depth) var(txn.{limit}),field(2,/),mul(txn.cost) if {those}
    http-request set-var(txn.now) date(0,us) if {those}
    http-request set-var(txn.ahead) sc{counter}_get_gpt0,sub(txn.now),and({MASK}) if {those}
    acl untagged_{counter} sc{counter}_get_gpt0 eq 0
    http-request set-var(txn.ahead) int(0) if {those} untagged_{counter}
    http-request set-var(txn.ahead) int(0) if {those} full
    http-request set-var(txn.ahead) var(txn.ahead),add(txn.cost) if {those}
"""


def _take(counter: int, those: str) -> str:
    return f"    http-request sc-set-gpt0({counter}) var(txn.now),add(txn.ahead),and({MASK}) if {those}\n"


# A bucket for each tenant (decisions.md): its tag is the moment, in microseconds modulo 2^32 (71 minutes), up to which
# what it was let through has used up its rate. A request moves it on by one request's time, if it then lies no
# further ahead than the burst; one that is refused moves nothing, so that whoever keeps asking is not shut out.
# A tag in the past is read as one far ahead, as is one from before a plan of shorter bursts: both mean a full bucket.
LIMIT = f"""    http-request set-var(txn.limit) var(txn.tenant),map_str({LIMITS})
    acl limited var(txn.limit) -m found
{_look(0, "limit", "limited")}{ours(429, "Too many requests.", "if limited spent", AGAIN)}{_take(0, "limited")}"""

# What a load balancer in front, or whoever answers for a name, asks of this node: whatever the host, before all else.
READY_PATH = "/.well-known/veloflux-node"


def ready(*, leaving: bool) -> str:
    """A node that leaves says so, and closes each connection with the answer that is under way."""
    asked = f"if {{ path {READY_PATH} }}"
    if not leaving:
        return ours(200, "This node serves.", asked)
    return "    option httpclose\n" + ours(503, "This node leaves service.", asked)


# The same for each of the tenant's clients, before it: what is refused here takes nothing of the tenant's.
ASKED = "Too many requests from your address."
CLIENT_LIMIT = f"""    acl full var(txn.ahead),sub(txn.depth) gt 0
    acl spent var(txn.ahead),sub(txn.depth) gt 0
    acl says_403 var(txn.clients),field(3,/) -m str 403
    acl says_503 var(txn.clients),field(3,/) -m str 503
{COUNTED_CLIENT}{_look(1, "clients", "counted")}\
{ours(403, ASKED, "if counted spent says_403")}{ours(503, ASKED, "if counted spent says_503", AGAIN)}\
{ours(429, ASKED, "if counted spent", AGAIN)}{_take(1, "counted")}"""

# The path is looked up as it came: case kept, nothing decoded, no slashes merged. Both sides end in a slash, so
# that the longest prefix is one of whole segments.
ROUTE = f"""    http-request set-var(txn.pool) var(txn.site),concat(,txn.path,/),map_beg({ROUTES})
{ours(404, "Nothing is routed here.", "unless { var(txn.pool) -m found }")}"""
# A pool none of whose servers can take a request has another in its place, and that one another. Spelled out as often
# as there may be pools in a row: rules have no loops.
_TAKEN_OVER = f"""    http-request set-var(txn.fallback) var(txn.pool),map_str({FALLBACKS})
    http-request unset-var(txn.fallback) if {{ var(txn.pool),nbsrv gt 0 }}
    http-request set-var(txn.pool) var(txn.fallback) if {{ var(txn.fallback) -m found }}
"""
LEADING = f"{_TAKEN_OVER * FALLBACK_STEPS}    use_backend %[var(txn.pool)]\n"


def render_frontends(settings: NodeSettings) -> str:
    """`10-frontends.cfg`: the ways in, and the table that counts each tenant's requests.

    With TLS too the Host decides, whatever name (SNI) the certificate was chosen by.
    """
    suspended = ours(503, "This site is suspended.", f"if {{ var(txn.tenant),map_str({TENANTS}) -m found }}")
    return f"""frontend http from {DEFAULTS}
    bind {word(settings.http_bind)}{settings.traffic_threads}
{_tls(settings)}    maxconn {settings.max_connections:d}
{_log(settings)}{PAGES}    http-request set-log-level silent
{ready(leaving=settings.leaving)}{METHODS}{TENANT}{CLIENT}{CLAIMS}{headers()}{LOGGED}{suspended}{CLIENT_LIMIT}{LIMIT}{ROUTE}{LEADING}
{render_inner(settings, PAGES, LEADING)}{render_passthrough(settings)}
backend {TENANT_TABLE} from {DEFAULTS}
    stick-table type string len 32 size 100k expire 1h store {COUNTED}

backend {CLIENT_TABLE} from {DEFAULTS}
    {CLIENT_TABLE_LINE}
"""


def _tls(settings: NodeSettings) -> str:
    if not settings.https_bind:
        return ""
    tls = f"ssl crt-list {CERTIFICATE_LIST} alpn h2,http/1.1 ssl-min-ver TLSv1.2"
    return f"    bind {word(settings.https_bind)} {tls}{settings.traffic_threads}\n"


def _log(settings: NodeSettings) -> str:
    """In the frontend alone: pools would write their servers' states to it."""
    return f"    log global\n    log-format {quoted(FORMAT)}\n" if settings.log_target else ""


def render_certificate_list() -> str:
    """The node's own certificate comes first, for whoever asks for a name that nobody has one for; `!*`: only then,
    so that it never stands before a certificate of that name."""
    return f"{DEFAULT_CERTIFICATE} !*\n"
