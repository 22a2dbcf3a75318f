"""Which requests a route takes, and what is done with them: a part of `desired.Route`.

The defaults are what a route was before there was any of it: a prefix of the path, and a pool.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class PathMatch(StrEnum):
    """How `Route.path_prefix` is meant. A regex sees the first `regex.SUBJECT_MAX` bytes of the path."""

    PREFIX = "prefix"
    EXACT = "exact"
    REGEX = "regex"


class On(StrEnum):
    METHOD = "method"
    HEADER = "header"
    QUERY = "query"
    COOKIE = "cookie"
    SOURCE = "source"


class Op(StrEnum):
    EQUALS = "equals"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    CONTAINS = "contains"
    REGEX = "regex"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds where one of the values of that name is so; `negate`: where none is.

    `method` and `source` have no name and are only `equals`, to one of a comma separated list (methods; networks).
    Values are compared as they stand in the request: case kept, nothing decoded.
    """

    type: On
    op: Op = Op.EQUALS
    name: str = ""
    value: str = ""
    negate: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    path: PathMatch = PathMatch.PREFIX
    conditions: tuple[Condition, ...] = ()


class Act(StrEnum):
    POOL = "pool"
    WEIGHTED = "weighted"
    REDIRECT = "redirect"
    RESPOND = "respond"


@dataclass(frozen=True, slots=True)
class Share:
    """Of a hundred clients about `weight` in the sum of all weights go to this pool."""

    pool: str
    weight: int


REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Action:
    """A redirect has either `url`, said as written, or `prefix`, before the request's own path and query."""

    type: Act = Act.POOL
    shares: tuple[Share, ...] = ()
    url: str = ""
    prefix: str = ""
    code: int = 302
    status: int = 200
    content_type: str = "text/plain"
    body: str = ""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """`prefix` stands for the route's own prefix; or what `regex` finds in the path becomes `replacement` (`\\1`). ""
    leaves it. The origin is asked for `host`."""

    prefix: str = ""
    regex: str = ""
    replacement: str = ""
    host: str = ""


class Edit(StrEnum):
    SET = "set"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class HeaderEdit:
    action: Edit
    name: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Cors:
    """`origins` as browsers send them, or `*` alone for all. Times in seconds."""

    origins: tuple[str, ...]
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    credentials: bool = False
    max_age_s: int = 600


@dataclass(frozen=True, slots=True)
class Maintenance:
    """While it is there, 503 with this page."""

    body: str
    content_type: str = "text/html; charset=utf-8"
    retry_after_s: int = 300


CACHE_TTL_MAX_S = 3600
CACHE_OBJECT_MIN, CACHE_OBJECT_MAX = 1024, 256 * 1024


@dataclass(frozen=True, slots=True)
class Cache:
    """Answers are kept on each node for `ttl_s` seconds at most, those of `max_object` bytes, head and all, at most.
    `cookies`: requests that carry cookies get them too. `purged`: the mark of the last purge (`services.caches`); what
    was kept under another one is never found again."""

    ttl_s: int
    max_object: int = 64 * 1024
    cookies: bool = False
    purged: int = 0


@dataclass(frozen=True, slots=True)
class Handling:
    """`timeout_ms` of the answer and `max_body` in bytes: None leaves what holds anyway."""

    rewrite: Rewrite = field(default_factory=Rewrite)
    request_headers: tuple[HeaderEdit, ...] = ()
    response_headers: tuple[HeaderEdit, ...] = ()
    cors: Cors | None = None
    timeout_ms: int | None = None
    max_body: int | None = None
    compression: bool = False
    maintenance: Maintenance | None = None
    cache: Cache | None = None


# A line of HAProxy's has at most 64 words.
MANY_CONDITIONS, MANY_HEADERS, MANY_LISTED, MANY_SHARES = 10, 20, 20, 20
_OF_A_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
             "trailer", "transfer-encoding", "upgrade", "content-length"}  # fmt: skip
FORBIDDEN_REQUEST_HEADERS = frozenset(
    _OF_A_HOP | {"host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "x-request-id",
                 "forwarded", "expect"}
)  # fmt: skip
FORBIDDEN_RESPONSE_HEADERS = frozenset(_OF_A_HOP | {"content-encoding", "date"})


def forbidden(name: str, refused: frozenset[str]) -> bool:
    """A header of a hop's, or of ours; with underscores too, which CGI reads as hyphens."""
    meant = name.lower().replace("_", "-")
    return meant in refused or meant.startswith(("x-veloflux-", "x-forwarded-"))


# What nearly every route says: one instance of each, so that they are known by a glance.
ANY_REQUEST, TO_ITS_POOL, AS_IT_IS = Match(), Action(), Handling()
