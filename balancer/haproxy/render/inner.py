"""The inner frontends, on sockets of the node's own: the second hop of who has a router, to the pool that it chose.

The same for everyone, as the outer ones are. Nobody else can come here: mode 0600, and a tenant's servers have network
addresses. What a router says in our own headers a client cannot: the outer frontend takes them off.
"""

from balancer.haproxy.running import LEADS
from balancer.haproxy.text import word

from .node import DEFAULTS, RUN, NodeSettings

INNER = frozenset({"inner", "packed"})
OURS = "x-veloflux-"
LEAD_HEADER = f"{OURS}lead"
SOURCE_HEADER = f"{OURS}source"
SERVED_HEADER = f"{OURS}served"  # on answers: pool/server, for the access log
# As routers write them: HAProxy puts the run folder in, which a tenant's section does not know.
PLAIN_SOCKET = f'"${{{RUN}}}"/inner.sock'
PACKED_SOCKET = f'"${{{RUN}}}"/packed.sock'
PACKED_TYPES = (
    "text/html text/plain text/css text/csv text/xml text/javascript application/javascript application/json"
    " application/xml application/xhtml+xml application/rss+xml application/manifest+json image/svg+xml"
)


def render_inner(settings: NodeSettings, pages: str, leading: str) -> str:
    """`pages` are the error pages, `leading` what sends `txn.pool` to where it leads."""
    plain = _frontend("inner", f"{settings.run_folder}/inner.sock", settings, pages, leading)
    packed = _frontend("packed", f"{settings.run_folder}/packed.sock", settings, pages, leading)
    return f"{plain}\n{packed}    compression algo gzip\n    compression type {PACKED_TYPES}\n"


def _frontend(name: str, socket: str, settings: NodeSettings, pages: str, leading: str) -> str:
    """An idle connection is the router's to close: it has no second try for one that closes under its request."""
    return f"""frontend {name} from {DEFAULTS}
    bind {word(f"unix@{socket}")} mode 600{settings.traffic_threads}
    maxconn {settings.max_connections:d}
    timeout client 24h
    timeout http-keep-alive 24h
{pages}    http-request set-var(txn.pool) req.hdr({LEAD_HEADER}),map_str({LEADS})
    http-request set-src req.hdr_ip({SOURCE_HEADER})
    http-request del-header {OURS} -m beg
    http-after-response set-header {SERVED_HEADER} %[be_name]/%[srv_name]
{leading}"""
