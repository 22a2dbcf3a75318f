"""What a running pool can take by commands, by how it chooses and who stays where."""

from .capabilities import Capabilities
from .desired import Algorithm, Pool
from .serving import BY_COOKIE

# Every one here takes `add server` and `set server weight`: the hashes because they are `hash-type consistent`, without
# which 2.6 refuses both (H1). `first` fills one server after the other, and a weight only says whether it takes any.
WEIGHTLESS = frozenset({Algorithm.FIRST})


def weighs(algorithm: Algorithm) -> bool:
    """Whether a weight moves load from one server to another."""
    return algorithm not in WEIGHTLESS


def takes_servers(pool: Pool, capabilities: Capabilities) -> bool:
    """Whether a server may be added at run time. Before 3.0 it would have no cookie (H3): clients that it answers
    would be told to forget theirs, and stay nowhere."""
    return pool.serving.sticky.type not in BY_COOKIE or capabilities.cookie_at_run_time
