"""Ports of tenants' own, and names on the shared port for TLS: sections and entries of maps.

Nothing in a port's section is a tenant's text: numbers, and names that we made. Where it leads to and who may come is
in maps, so that both change without a reload.
"""

from balancer.haproxy.desired import Tenant
from balancer.haproxy.listeners import Listener, ListenerKind, port_name
from balancer.haproxy.networks import MAPPED, digits
from balancer.haproxy.running import ADMITTED, NAMES, PORTS
from balancer.haproxy.text import host, name, word

from .node import LISTEN, TCP_DEFAULTS, THREADS, NodeSettings
from .pool import proxy_name

PASSTHROUGH = "passthrough"
WAYS = "st_ways"  # counts what comes in by each name: all of them share one frontend
COUNTED = "type string len 255 size 20k expire 1d store conn_cnt,conn_cur,bytes_in_cnt,bytes_out_cnt"
LISTED = "/listed"  # after the pool, in the map, where only some networks may come
Entries = dict[str, dict[str, str]]

_LEADING = "    use_backend %[var(sess.lead),field(1,/)]\n"


ACLS = f"""    acl led var(sess.lead) -m found
    acl listed var(sess.lead),field(2,/) -m found
    acl v4 var(sess.address) -m len 8
    acl admitted var(sess.address),map_beg({ADMITTED}) -m found
"""


def _admission(rule: str) -> str:
    """Who may come. `src` is whoever opened the connection, also where a PROXY header that says another follows: it is
    read after `tcp-request connection` (2.6.12)."""
    return f"""    tcp-request {rule} set-var(sess.address) src,hex
    tcp-request {rule} set-var(sess.address) str({MAPPED}),concat(,sess.address) if v4
    tcp-request {rule} set-var(sess.address) var(sess.way),concat(/,sess.address)
    tcp-request {rule} reject if !led || listed !admitted
"""


def render_port(tenant_key: str, listener: Listener) -> str:
    """One section, ending in an empty line. Raises `Unprintable`."""
    frontend = name(port_name(tenant_key, listener.port))
    most = f"    maxconn {listener.max_connections:d}\n" if listener.max_connections else ""
    proxied = " accept-proxy" if listener.proxy_protocol else ""
    return (
        f"frontend {frontend} from {TCP_DEFAULTS}\n"
        f'    bind "${{{LISTEN}}}":{listener.port:d}{proxied} thread "${{{THREADS}}}"\n{most}'
        f"    timeout client {listener.idle_ms:d}ms\n"
        f"{ACLS}    tcp-request connection set-var(sess.way) str({frontend})\n"
        f"    tcp-request connection set-var(sess.lead) str({frontend}),map_str({PORTS})\n"
        f"{_admission('connection')}{_LEADING}\n"
    )


def render_passthrough(settings: NodeSettings) -> str:
    """The one frontend of all names. Its certificates are the pools' servers' own: nothing is decrypted here. Who does
    not say a name that leads somewhere is closed, as is who says none in time, or speaks no TLS: the first rule waits
    until it can tell. A wildcard stands for one label, and an exact name hides it, as with hosts of routes.

    The maps are known to HAProxy from the start, wherever they are used: else the first listener could not be told it.
    """
    known = f"\nbackend {WAYS} from {TCP_DEFAULTS}\n    stick-table {COUNTED}\n" + "".join(
        f"    acl known str(-),map_str({path}) -m found\n" for path in (PORTS, NAMES, ADMITTED)
    )
    if not settings.passthrough_bind:
        return known
    return f"""{known}
frontend {PASSTHROUGH} from {TCP_DEFAULTS}
    bind {word(settings.passthrough_bind)}{settings.traffic_threads}
    maxconn {settings.max_connections:d}
    timeout client 1h
{ACLS}    tcp-request inspect-delay 5s
    tcp-request content reject unless {{ req.ssl_hello_type 1 }}
    tcp-request content set-var(sess.name) req.ssl_sni,lower
    tcp-request content set-var(sess.way) var(sess.name)
    tcp-request content set-var(sess.lead) var(sess.way),map_str({NAMES})
    tcp-request content set-var(sess.way) var(sess.name),regsub(^[a-z0-9_-]+\\.,*.) if !led
    tcp-request content set-var(sess.lead) var(sess.way),map_str({NAMES}) if !led
{_admission("content")}    tcp-request content track-sc0 var(sess.way) table {WAYS}
{_LEADING}"""


def listener_sections(tenant: Tenant) -> list[str]:
    """A suspended tenant's ports are closed."""
    if tenant.suspended:
        return []
    return [render_port(tenant.key, one) for one in tenant.listeners if one.kind is ListenerKind.TCP]


def frontends_of(tenant: Tenant) -> list[str]:
    """The names of its ports' sections."""
    if tenant.suspended:
        return []
    return [port_name(tenant.key, one.port) for one in tenant.listeners if one.kind is ListenerKind.TCP]


def ways_of(tenant: Tenant) -> dict[str, str]:
    """What HAProxy counts a listener under, a port's frontend or a name → `<tenant key>/<listener key>`."""
    return {
        (port_name(tenant.key, one.port) if one.kind is ListenerKind.TCP else one.host): f"{tenant.key}/{one.key}"
        for one in (() if tenant.suspended else tenant.listeners)
    }


def pool_of(lead: str) -> str:
    """The proxy in a map's value."""
    return lead.partition("/")[0]


def listener_entries(tenant: Tenant) -> Entries:
    ports: dict[str, str] = {}
    names: dict[str, str] = {}
    admitted: dict[str, str] = {}
    for one in () if tenant.suspended else tenant.listeners:
        lead = proxy_name(tenant.key, one.pool) + (LISTED if one.allowed else "")
        if one.kind is ListenerKind.TCP:
            way = port_name(tenant.key, one.port)
            ports[way] = lead
        else:
            way = host(one.host)
            names[way] = lead
        admitted |= {f"{way}/{prefix}": tenant.key for network in one.allowed for prefix in digits(network)}
    return {PORTS: ports, NAMES: names, ADMITTED: admitted}
