"""What a pool in mode tcp can have: what concerns connections, and nothing that reads requests."""

from collections.abc import Iterator

from .desired import Algorithm, CheckType, Pool
from .listeners import Mode
from .serving import Serving, StickyType

ALGORITHMS = (
    Algorithm.ROUND_ROBIN, Algorithm.WEIGHTED_ROUND_ROBIN, Algorithm.LEAST_CONN, Algorithm.IP_HASH, Algorithm.RANDOM,
    Algorithm.FIRST,
)  # fmt: skip
CHECKS = (CheckType.TCP, CheckType.TLS, CheckType.NONE)
STICKY = (StickyType.NONE, StickyType.SOURCE)


def unfit(pool: Pool) -> Iterator[str]:
    """The fields that are not for its mode, as the state calls them."""
    if pool.mode is not Mode.TCP:
        return
    serving, usual = pool.serving, Serving()
    if pool.algorithm not in ALGORITHMS:
        yield "algorithm"
    if pool.health_check.type not in CHECKS:
        yield "health_check.type"
    if serving.sticky.type not in STICKY:
        yield "serving.sticky.type"
    for name in ("fallback", "max_connections", "max_queue", "error_limit", "retry_on", "tls", "h2"):
        if getattr(serving, name) != getattr(usual, name):
            yield f"serving.{name}"
