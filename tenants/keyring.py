"""The keys that sign access tokens: one signs, and those before it are still believed for as long as tokens live.

To rotate: the key of VELOFLUX_JWT_KEY moves to VELOFLUX_JWT_OLD_KEYS, a new one takes its place, and after the longest
life of a token the old one is taken out. A token's header names its key (`kid`), so none is tried in vain.
"""

import hashlib
from functools import lru_cache

from django.conf import settings


def current() -> tuple[str, str]:
    """The id and the key that sign."""
    key = str(settings.JWT_KEY)
    return _id(key), key


def by_id(kid: object) -> str | None:
    """The key of that id, as a token's header names it; None for any other, or none."""
    keys = (str(settings.JWT_KEY), *settings.JWT_OLD_KEYS)
    return {_id(key): key for key in keys}.get(kid) if isinstance(kid, str) else None


@lru_cache(maxsize=16)
def _id(key: str) -> str:
    """Says nothing of the key, and is the same in every process."""
    return hashlib.sha256(f"veloflux jwt key id:{key}".encode()).hexdigest()[:12]
