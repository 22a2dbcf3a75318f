"""The frontends: the same lines for everyone, and no tenant's text.

Host -> tenant -> suspended? -> limit -> route -> pool, by maps and variables, so that all of it changes
without a reload (`haproxy.md` 2.4, 2.5).
"""

from balancer.haproxy.running import HOSTS, LIMITS, ROUTES, TENANTS

from .node import DEFAULTS, NodeSettings

RULES = f"""    unique-id-format %{{+X}}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid
    unique-id-header X-Request-Id
    http-request del-header X-Forwarded-For
    http-request del-header X-Forwarded-Proto
    http-request del-header X-Forwarded-Host
    http-request del-header X-Request-Id
    http-request set-var(txn.host) req.fhdr(host),field(1,:),lower,rtrim(.)
    http-request set-var(txn.site) var(txn.host)
    http-request set-var(txn.tenant) var(txn.site),map_str({HOSTS})
    http-request set-var(txn.site) var(txn.host),regsub(^[^.]+,*) unless {{ var(txn.tenant) -m found }}
    http-request set-var(txn.tenant) var(txn.site),map_str({HOSTS}) unless {{ var(txn.tenant) -m found }}
    http-request return status 421 content-type text/plain string 'nothing here\\n' unless {{ var(txn.tenant) -m found }}
    http-request return status 503 content-type text/plain string 'suspended' if {{ var(txn.tenant),map_str({TENANTS}) -m found }}
    http-request track-sc0 var(txn.tenant) table st_tenant
    http-request set-var(txn.limit) var(txn.tenant),map_str_int({LIMITS},0)
    http-request return status 429 content-type text/plain hdr Retry-After 1 string 'too many requests' if {{ var(txn.limit) -m int gt 0 }} {{ sc0_gpc0_rate,sub(txn.limit) ge 0 }}
    http-request sc-inc-gpc0(0)
    http-request set-var(txn.path) path
    http-request set-var(txn.pool) var(txn.site),concat(,txn.path,/),map_beg({ROUTES})
    http-request return status 404 content-type text/plain string 'no route' unless {{ var(txn.pool) -m found }}
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto http
    use_backend %[var(txn.pool)]
"""


def render_frontends(settings: NodeSettings) -> str:
    """`10-frontends.cfg`."""
    return f"""frontend http from {DEFAULTS}
    bind {settings.http_bind}{settings.traffic_threads}
{RULES}
backend st_tenant from {DEFAULTS}
    stick-table type string len 32 size 100k expire 1h store gpc0,gpc0_rate(1s),http_req_cnt,http_req_rate(10s),http_err_cnt,bytes_in_cnt,bytes_out_cnt
"""
