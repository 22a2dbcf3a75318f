"""What a tenant wants its traffic to do: the values that everything below renders, plans and compares."""

from dataclasses import dataclass, field
from enum import StrEnum

from .listeners import Listener, Mode
from .protection import ClientRules, SecurityHeaders
from .routing import ANY_REQUEST, AS_IT_IS, TO_ITS_POOL, Action, Handling, Match
from .serving import PLAIN, Serving


class Algorithm(StrEnum):
    """How a pool chooses; every one but `first` honours the servers' weights (`abilities`)."""

    ROUND_ROBIN = "round_robin"
    WEIGHTED_ROUND_ROBIN = "weighted_round_robin"
    LEAST_CONN = "least_conn"
    IP_HASH = "ip_hash"
    URI_HASH = "uri_hash"
    HEADER_HASH = "header_hash"
    RANDOM = "random"
    FIRST = "first"


class AdminState(StrEnum):
    READY = "ready"
    DRAIN = "drain"
    MAINT = "maint"


class CheckType(StrEnum):
    NONE = "none"
    HTTP = "http"
    TCP = "tcp"
    TLS = "tls"  # whether a handshake works, whatever the certificate


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How a server is asked. Durations in milliseconds."""

    type: CheckType = CheckType.HTTP
    method: str = "GET"
    path: str = "/"
    host: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    expected_status: str = "200-399"  # codes and ranges, comma separated
    interval_ms: int = 5000
    timeout_ms: int = 2000
    rise: int = 2
    fall: int = 3
    port: int | None = None
    expected_body: str | None = None  # what stands somewhere in the answer


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Milliseconds."""

    connect_ms: int = 5000
    server_ms: int = 30000
    queue_ms: int = 5000


@dataclass(frozen=True, slots=True)
class Server:
    """One address that answers. `address` is an IP literal; or it is empty and `name` says by which name the addresses
    are found (`names.resolved`), which no node is told."""

    key: str
    address: str
    port: int
    weight: int = 100  # 0..256
    admin: AdminState = AdminState.READY
    backup: bool = False
    max_connections: int | None = None
    check_port: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Pool:
    key: str
    algorithm: Algorithm = Algorithm.ROUND_ROBIN
    servers: tuple[Server, ...] = ()
    health_check: HealthCheck = field(default_factory=HealthCheck)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: int = 2
    serving: Serving = PLAIN
    mode: Mode = Mode.HTTP


@dataclass(frozen=True, slots=True)
class Route:
    """`host` is lower case, exact or `*.rest`; `path_prefix` starts with `/` and matches by segment, unless
    `match.path` says otherwise. `pool` is a Pool.key of the same tenant, "" where the action leads to none or many.
    """

    key: str
    host: str
    path_prefix: str
    pool: str = ""
    priority: int = 0  # of all that fit, the highest
    match: Match = ANY_REQUEST
    action: Action = TO_ITS_POOL
    handling: Handling = AS_IT_IS


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Tenant:
    """One tenant's whole desired state on a cluster.

    `rps` 0 means no limit. `burst` is how many requests may come at once before `rps` holds; 0: a second's worth.
    """

    key: str
    pools: tuple[Pool, ...] = ()
    routes: tuple[Route, ...] = ()
    rps: int = 0
    suspended: bool = False
    burst: int = 0
    clients: ClientRules = field(default_factory=ClientRules)
    headers: SecurityHeaders = field(default_factory=SecurityHeaders)
    listeners: tuple[Listener, ...] = ()
