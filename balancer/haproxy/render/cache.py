"""What a route keeps of its pool's answers, in HAProxy's own cache: a section for each such route, lines of its router.

HAProxy makes the key when `cache-use` runs, from Host and URI, and stores under that key (2.6.12, cache.c). While it
runs, Host is a word of ours: the pool that is led to, the mark of the last purge, http or https, whether gzip is taken
(HAProxy would give who takes it what it kept for who does not), and the host as it was asked for. Another pool, or
another mark (a map's entry, `running.PURGES`), and nothing of before is found again.
"""

from balancer.haproxy.desired import Route, Tenant
from balancer.haproxy.keeping import ALONE, SHARE_COOKIE
from balancer.haproxy.running import LEADS, PURGES
from balancer.haproxy.sites import Site, cache_name, cached, routed_sites
from balancer.haproxy.text import name

from .inner import OURS

TOTAL_MB = 1  # HAProxy's least. All of it is there from the start: a section costs it whether it is used or not.
DATED = f"{OURS}dated"
KEY = (
    f"%[var(txn.lead),map_str({LEADS})].%[var(txn.lead),field(1,/),map_str({PURGES},0)].%[ssl_fc]"
    ".%[var(txn.packs)].%[req.fhdr(x-forwarded-host),sha1,hex]"
)
# What somebody proves himself by, what has a body, asks for a part or for a tunnel (`ALONE`) goes to the pool. A worker
# that stops hears of no purge any more. Who only has the cookie of a weighted route has none that says who he is.
ACLS = "".join(f"    acl alone req.hdr({header}) -m found\n" for header in ALONE)
ACLS += f"""    acl alone stopping
    acl has_cookies req.hdr(cookie) -m found
    acl has_one_cookie req.fhdr_cnt(cookie) eq 1
    acl is_drawn req.fhdr(cookie) -m reg ^{SHARE_COOKIE}=[0-9]+$
    acl changes var(txn.method) -m str POST PUT PATCH DELETE
    acl missed var(txn.kept) -m str miss
    acl keyed var(txn.keyed) -m found
    acl hit res.cache_hit
    acl personal res.hdr(set-cookie) -m found
    acl personal res.hdr(set-cookie2) -m found
    acl ages res.hdr(cache-control) -i -m beg max-age= s-maxage=
    acl ages res.hdr(expires) -m found
    acl ages res.hdr(etag) -m found
    acl ages res.hdr(last-modified) -m found
    acl stops stopping
    acl dated res.hdr({DATED}) -m found
"""
# A successful change of what is kept ends it, on this node (RFC 9111 4.4).
KEYED = f"""    http-request set-var(txn.keyed) str(1) if caches changes
    http-request set-var(txn.keyed) str(1) if missed
    http-request set-var(txn.asked) req.fhdr(host) if keyed
    http-request set-var(txn.packs) str(gzip) if {{ req.hdr(accept-encoding) -i -m beg gzip }}
    http-request set-header Host {KEY} if keyed
"""
UNKEYED = "    http-request set-header Host %[var(txn.asked)] if keyed\n"
# Of an answer that says neither how long it is good nor what to compare it by HAProxy keeps nothing. The tenant has
# said how long: a date stands in it while it is stored, and is taken off again whenever it is given to somebody.
ANSWERED = f"""    http-response set-var(txn.served) var(txn.lead),map_str({LEADS}),concat(/<CACHE>) if hit
    http-response del-header {DATED} unless hit
    http-response set-header {DATED} 1 if missed !ages !hit
"""
AFTER = f"""    http-after-response del-header Expires if dated
    http-after-response del-header {DATED}
    http-after-response set-header X-Cache %[var(txn.kept)] if {{ var(txn.kept) -m found }}
    http-after-response set-header X-Cache hit if hit
"""


def cache_sections(tenant: Tenant) -> list[str]:
    """Each ending in an empty line."""
    return [
        f"cache {cache_name(tenant.key, route)}\n    total-max-size {TOTAL_MB}\n    max-age {cache.ttl_s:d}\n"
        f"    max-object-size {cache.max_object:d}\n    process-vary on\n\n"
        for site in routed_sites(tenant)
        for route, cache in cached(site)
    ]


def response_lines(tenant_key: str, site: Site) -> str:
    """Before anything is added to an answer that is one client's alone."""
    routes = cached(site)
    if not routes:
        return ""
    stores = [
        f"    http-response set-header Expires %[date({cache.ttl_s:d}),http_date] if {_here(route)} missed !ages !hit\n"
        f"    http-response cache-store {cache_name(tenant_key, route)} if {_here(route)} missed !personal !stops\n"
        f"    http-response cache-store {cache_name(tenant_key, route)} if {_here(route)} changes\n"
        for route, cache in routes
    ]
    here = "".join(f"    acl {_here(route)} var(txn.route) -m str {name(route.key)}\n" for route, _ in routes)
    return f"{here}{ACLS}{ANSWERED}{''.join(stores)}{AFTER}"


def request_lines(tenant_key: str, site: Site) -> str:
    """After those of the answers, and once it is known where the request leads and what the pool is to see of it."""
    routes = cached(site)
    if not routes:
        return ""
    use = ""
    lines = f"    acl caches var(txn.route) -m str {' '.join(name(route.key) for route, _ in routes)}\n"
    lines += "    http-request set-var(txn.kept) str(pass) if caches\n"
    lines += _tried("!has_cookies") + _tried("has_one_cookie is_drawn")
    lines += "".join(_tried(_here(route)) for route, cache in routes if cache.cookies)
    for route, _ in routes:
        use += f"    http-request cache-use {cache_name(tenant_key, route)} if keyed {_here(route)}\n"
    return f"{lines}{KEYED}{use}{UNKEYED}"


def _tried(those: str) -> str:
    return f"    http-request set-var(txn.kept) str(miss) if caches METH_GET !alone {those}\n"


def _here(route: Route) -> str:
    return f"keeps_{name(route.key)}"
