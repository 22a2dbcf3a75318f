"""Five wrong passwords, then a quarter of an hour.

Counted per account *and* address together: behind one address (an office, a proxy) sit many people, and one who
guesses at his neighbour's account must not lock the neighbours out of theirs (`stack.md` 1, django-axes). Besides, an
account is held after `ACCOUNT_LIMIT` failures from anywhere, and an address after `ADDRESS_LIMIT` of them at any
account; but never for an account at an address that it has signed in from before: a botnet and a sprayer are stopped,
the owner at home and the colleague in the same office are not.

An IPv6 address stands for its /64: who has one has them all.

An attempt is counted before the password is looked at, so that parallel guesses cannot slip past the limit. Guesses at
a second factor are counted per account alone: whoever gets that far has shown the password.
"""

import hashlib

from django.conf import settings
from django.core.cache import cache

from tenants.errors import Refused
from tenants.visitors import network_of

LIMIT = 5
SECONDS = 15 * 60
ACCOUNT_LIMIT = 50
ADDRESS_LIMIT = 50
FACTOR_LIMIT = 5
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
    is_demo, address = _is_demo(address), network_of(address)
    if _raised(_key("pair", account, address), seconds) > limit:
        raise LockedOut(seconds)
    if cache.get(_key("known", account, address)):
        return
    if _raised(_key("account", account), SECONDS) > ACCOUNT_LIMIT:
        raise LockedOut(SECONDS)
    if not is_demo and _raised(_key("address", address), SECONDS) > ADDRESS_LIMIT:
        raise LockedOut(SECONDS)


def succeeded(account: str, address: str) -> None:
    """Only failures are to be counted: take this one back."""
    address = network_of(address)
    cache.delete(_key("pair", account, address))
    if not cache.get(_key("known", account, address)):
        _lowered(_key("account", account))
        _lowered(_key("address", address))
    cache.set(_key("known", account, address), 1, KNOWN_SECONDS)


def guess(account: str) -> None:
    """Count one guess at a second factor. Raise `LockedOut` when it is one too many."""
    if _raised(_key("factor", account), SECONDS) > FACTOR_LIMIT:
        raise LockedOut(SECONDS)


def guessed(account: str) -> None:
    """It was right."""
    cache.delete(_key("factor", account))


def _limit(address: str) -> tuple[int, int]:
    return (DEMO_LIMIT, DEMO_SECONDS) if _is_demo(address) else (LIMIT, SECONDS)


def _is_demo(address: str) -> bool:
    return bool(settings.DEMO) and address in LOOPBACK


def _raised(key: str, seconds: int) -> int:
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key)
    except ValueError:  # it ran out between the two
        return 1


def _lowered(key: str) -> None:
    try:
        cache.decr(key)
    except ValueError:
        return


def _key(kind: str, *parts: str) -> str:
    # A digest: an address of mail may be long, and may hold what a key may not.
    return f"lockout:{kind}:{hashlib.sha256('|'.join(parts).lower().encode()).hexdigest()}"
