"""How a pool serves beyond choosing a server: who stays where, how much it takes, how its servers are reached."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b

from .text import Unprintable

SECRET = re.compile(r"(?:[0-9a-f]{2}){16,32}")
FALLBACK_STEPS = 3  # pools in a row that may each take over from the one before


class StickyType(StrEnum):
    """How a client stays with the server that it was given first."""

    NONE = "none"
    COOKIE = "cookie"  # ours: the same on all nodes, over reloads and restarts
    SOURCE = "source"  # its address: each node remembers on its own
    APP_COOKIE = "app_cookie"  # the application's, in front of whose value stands which server


BY_COOKIE = frozenset({StickyType.COOKIE, StickyType.APP_COOKIE})


class ProxyProtocol(StrEnum):
    """Whether a server is told of the client's address before its first byte."""

    NONE = "none"
    V1 = "v1"
    V2 = "v2"


class RetryOn(StrEnum):
    """What makes a request go to a server again, beside a connection that failed. Only what may be asked twice."""

    EMPTY = "empty_response"
    TIMEOUT = "response_timeout"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"


@dataclass(frozen=True, slots=True)
class Sticky:
    """`key` is the pool's own secret (hex): cookies are made from it, so that they tell nothing and fit no other pool.
    `cookie_name` empty: one is made from the key. `ttl_s` 0: as long as the browser keeps it; by source, half an hour.
    """

    type: StickyType = StickyType.NONE
    cookie_name: str = ""
    ttl_s: int = 0
    key: str = ""

    @property
    def name(self) -> str:
        return self.cookie_name or f"vf_{self._made('name', 3)}"

    def cookie(self, server_key: str) -> str:
        """What stands for a server: the same wherever and whenever it is made."""
        return self._made(f"server {server_key}", 8)

    def _made(self, about: str, size: int) -> str:
        if SECRET.fullmatch(self.key) is None:
            raise Unprintable("not a secret in hex")
        return blake2b(about.encode(), key=bytes.fromhex(self.key), digest_size=size).hexdigest()


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS to servers. `ca` and `certificate` are names of files that come with the message: 64 hex characters of their
    SHA-256; `ca` empty: the system's store. `sni` empty: the host that the client asked for.
    """

    verify: bool = True
    ca: str = ""
    sni: str = ""
    certificate: str = ""  # with its key


@dataclass(frozen=True, slots=True)
class Serving:
    """0 is no limit. `fallback` is the Pool.key that takes over while no server of this pool can."""

    hash_header: str = ""
    sticky: Sticky = field(default_factory=Sticky)
    fallback: str = ""
    max_connections: int = 0  # requests at once, of the whole pool on a node
    max_queue: int = 0  # requests that may wait, of the whole pool on a node
    slow_start_ms: int = 0
    error_limit: int = 0  # answers in a row that were errors, after which a server is down until a check says otherwise
    retry_on: tuple[RetryOn, ...] = ()
    tls: Tls | None = None
    proxy_protocol: ProxyProtocol = ProxyProtocol.NONE
    h2: bool = False  # over TLS where the server agrees, in clear without asking


PLAIN = Serving()
