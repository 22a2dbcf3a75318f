"""Names in the cache that no other run, no earlier test and no running console has: nothing needs to be cleared.

(Django's `cache.clear()` empties the whole Redis database, whoever else is in it.)
"""

import itertools
import secrets

RUN = secrets.token_hex(6)
_tests = itertools.count()
_current = 0


def start_anew() -> None:
    """Forget what was kept so far, in every thread."""
    global _current
    _current = next(_tests)


def make_key(key: str, prefix: str, version: int) -> str:
    return f"{prefix}:{RUN}:{_current}:{version}:{key}"
