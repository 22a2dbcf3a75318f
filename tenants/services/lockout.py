"""Five wrong passwords, then a quarter of an hour.

Counted per account *and* address together: behind one address (an office, a proxy) sit many people, and one who
guesses at his neighbour's account must not lock the neighbours out of theirs (`stack.md` 1, django-axes). An account
is also held after `ACCOUNT_LIMIT` guesses from anywhere, but never for an address it has signed in from before: a
botnet is stopped, the owner at home is not.

An attempt is counted before the password is looked at, so that parallel guesses cannot slip past the limit.
"""

import hashlib

from django.conf import settings
from django.core.cache import cache

from tenants.errors import Refused

LIMIT = 5
SECONDS = 15 * 60
ACCOUNT_LIMIT = 50
DEMO_LIMIT, DEMO_SECONDS = 100, 60
KNOWN_SECONDS = 30 * 86400
LOOPBACK = frozenset({"127.0.0.1", "::1"})


class LockedOut(Refused):
    def __init__(self, seconds: int) -> None:
        detail = "Too many attempts to sign in. Wait, then try again; a wrong password counts."
        super().__init__(detail, "locked_out", 429, (), {"retry_after": seconds})


def attempt(account: str, address: str) -> None:
    """Count one. Raise `LockedOut` when it is one too many."""
    limit, seconds = _limit(address)
    if _raised(_key("pair", account, address), seconds) > limit:
        raise LockedOut(seconds)
    if not cache.get(_key("known", account, address)) and _raised(_key("account", account), SECONDS) > ACCOUNT_LIMIT:
        raise LockedOut(SECONDS)


def succeeded(account: str, address: str) -> None:
    cache.delete(_key("pair", account, address))
    cache.set(_key("known", account, address), 1, KNOWN_SECONDS)


def _limit(address: str) -> tuple[int, int]:
    if settings.DEMO and address in LOOPBACK:
        return DEMO_LIMIT, DEMO_SECONDS
    return LIMIT, SECONDS


def _raised(key: str, seconds: int) -> int:
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key)
    except ValueError:  # it ran out between the two
        return 1


def _key(kind: str, *parts: str) -> str:
    # A digest: an address of mail may be long, and may hold what a key may not.
    return f"lockout:{kind}:{hashlib.sha256('|'.join(parts).lower().encode()).hexdigest()}"
