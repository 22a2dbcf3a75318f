"""What belongs to the node and to no tenant: its process, its defaults, its sockets."""

from dataclasses import dataclass

from balancer.haproxy.access_log import LINE_MAX
from balancer.haproxy.text import word

DEFAULTS = "http"
TCP_DEFAULTS = "tcp"
DEFAULT_CERTIFICATE = "default.pem"
CHECK_SPREAD_S = 2
PEERS = "node"  # the one peer is the node itself: what a worker learned of clients goes on to the next
RUN = "VELOFLUX_RUN"  # in HAProxy's environment, for tenants' sections, which know no node: the folder of the sockets
LISTEN, THREADS = "VELOFLUX_LISTEN", "VELOFLUX_THREADS"  # likewise, for their ports: address, threads of traffic


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """Where a node listens and how large it is.

    `run_folder` is absolute, and holds the sockets: a socket's path has at most about 90 characters.
    `https_bind` empty: nothing listens for TLS; else `certificate_folder` is absolute too, outside every tree, and
    holds `DEFAULT_CERTIFICATE`: a private key is not copied with each reload. `passthrough_bind` empty: no TLS is
    passed through by name. `tcp_address`: where tenants' own ports are opened, `*` for all addresses.
    `max_old_workers` bounds reloads under way, not time (`hard_stop_after_s` does): HAProxy ends the workers beyond
    it with their open connections (measured: at 5, twenty reloads in a minute cut keep-alive clients off).
    """

    run_folder: str
    http_bind: str = "127.0.0.1:8000"
    https_bind: str = ""
    certificate_folder: str = ""
    passthrough_bind: str = ""
    tcp_address: str = "127.0.0.1"
    tunnel_idle_s: int = 3600
    threads: int = 2
    max_connections: int = 4000
    log_target: str | None = None  # a unix socket's path (or "stdout"); with nobody there a line is lost, no more
    leaving: bool = False  # whoever balances over nodes is told to send nobody here, and clients to come again anew
    hard_stop_after_s: int = 600
    max_old_workers: int = 100

    @property
    def state_file(self) -> str:
        """Servers' states over a reload. Not in the tree: `default-path` does not hold for it (measured)."""
        return f"{self.run_folder}/server-state"

    @property
    def traffic_threads(self) -> str:
        """The threads of the binds: all but the first, which answers the admin socket (`haproxy.md` 2.3)."""
        return f" thread 2-{self.threads:d}" if self.threads > 1 else ""

    @property
    def thread_range(self) -> str:
        return f"2-{self.threads:d}" if self.threads > 1 else "1"

    @property
    def admin_thread(self) -> str:
        return " thread 1" if self.threads > 1 else ""


def render_global(settings: NodeSettings) -> str:
    """`00-global.cfg`: the process and the named `defaults`, of which every section names one.

    `default-path config` makes the maps' names relative to the folder: a staged tree is checked with its own maps,
    and the Runtime API calls them `maps/hosts.map` whatever folder runs (measured on 2.6.12, over reloads too).
    No `close-spread-time`: with it a stopping worker cut idle keep-alive clients off in spite of
    `idle-close-on-response` (2 of 57,000 requests over 25 reloads on 2.6.12; without it none of 193,000 over 60).
    `maxconn` counts a request with a router twice (`inner`): with no more than come in, nobody could go on.
    `max-spread-checks`: a worker spreads its first checks over the smallest interval of a second or more that anybody
    has; where that was a minute, a neighbour's dead server got requests for 46 s after a reload (2.6.12).
    `contstats`: bytes are counted while a connection lasts, which over TCP may be for days.
    `redispatch 1`: a refused connection goes to another server at once; the default stays for a second per retry.
    """
    log = f"    log {word(settings.log_target)} len {LINE_MAX} format raw local0\n" if settings.log_target else ""
    quiet = "    option dontlognull\n" if settings.log_target else ""
    admin = word(f"{settings.run_folder}/admin.sock")
    # A list of certificates has no quotes: with a base its lines need no folder, which may have a space.
    base = f"    crt-base {word(settings.certificate_folder)}\n" if settings.certificate_folder else ""
    return f"""global
    default-path config
{base}{log}    setenv {RUN} {word(settings.run_folder)}
    localpeer {PEERS}
    setenv {LISTEN} {word(settings.tcp_address)}
    setenv {THREADS} {settings.thread_range}
    nbthread {settings.threads:d}
    maxconn {2 * settings.max_connections:d}
    stats socket {admin} mode 600 level admin expose-fd listeners{settings.admin_thread}
    stats timeout 30s
    server-state-file {word(settings.state_file)}
    hard-stop-after {settings.hard_stop_after_s:d}s
    mworker-max-reloads {settings.max_old_workers:d}
    spread-checks 20
    max-spread-checks {CHECK_SPREAD_S}s

peers {PEERS}
    bind {word(f"unix@{settings.run_folder}/peers.sock")} mode 600
    server {PEERS}

defaults {DEFAULTS}
    mode http
{quiet}    option idle-close-on-response
    option http-keep-alive
    option redispatch 1
    http-reuse safe
    balance roundrobin
    retries 2
    load-server-state-from-file global
    timeout http-request 10s
    timeout http-keep-alive 30s
    timeout client 60s
    timeout connect 5s
    timeout server 30s
    timeout queue 5s
    timeout tunnel {settings.tunnel_idle_s:d}s

defaults {TCP_DEFAULTS}
    mode tcp
{quiet}    option redispatch 1
    option contstats
    balance roundrobin
    retries 2
    load-server-state-from-file global
    timeout client 1h
    timeout client-fin 30s
    timeout connect 5s
    timeout server 24h
    timeout server-fin 30s
    timeout queue 5s
"""
