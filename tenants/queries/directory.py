"""Which tenant is meant by a slug, an id or a host: asked on every request, so kept in the process for ten seconds.

A change is seen by every process within `LOOK_EVERY`: whoever changes a tenant calls `forget_everywhere()` after the
commit, which puts a new word into Redis, and each process looks for it that often. While Redis does not answer, nothing
is remembered for longer than that. The answer is a copy, so that nobody's change to it is seen by another request.
"""

import copy
import time
from dataclasses import dataclass
from threading import Lock

from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone
from redis.exceptions import RedisError

from tenants.ids import new_id
from tenants.models import Tenant

SECONDS = 10.0
LOOK_EVERY = 0.5
WORD = "directory:word"
MOST = 10_000  # then it starts anew: hosts that nobody has are remembered too


@dataclass(frozen=True, slots=True)
class _Kept:
    tenant: Tenant | None
    until: float


_kept: dict[tuple[str, str], _Kept] = {}
_lock = Lock()


@dataclass(slots=True)
class _Heard:
    """The word that what is kept was read under, when it was last looked for, and how often all was forgotten."""

    word: str | None = None
    at: float = float("-inf")
    times: int = 0


_heard = _Heard()


def by_name(slug_or_id: str) -> Tenant | None:
    return _find("name", slug_or_id)


def by_host(host: str) -> Tenant | None:
    """`host` without port, lower case."""
    return _find("host", host)


def fresh(tenant_id: str) -> Tenant | None:
    """Past the cache: for work that must not start for a tenant that is gone."""
    return _first(Q(pk=tenant_id))


def forget() -> None:
    """In this process."""
    with _lock:
        _kept.clear()
        _heard.times += 1


def forget_everywhere() -> None:
    """For after the commit. Without Redis, the others follow as soon as they miss it too."""
    forget()
    try:
        cache.set(WORD, new_id(), None)
    except RedisError:
        _heard.at = float("-inf")


def _listen(now: float) -> None:
    """Look for another word, at most each `LOOK_EVERY`."""
    if now - _heard.at < LOOK_EVERY:
        return
    _heard.at = now
    try:
        word = cache.get(WORD, "")
    except RedisError:
        word = None
    if word is None or word != _heard.word:
        forget()
    _heard.word = word


def _find(kind: str, value: str) -> Tenant | None:
    now = time.monotonic()
    _listen(now)
    kept = _kept.get((kind, value))
    if kept is None or kept.until < now:
        times = _heard.times
        kept = _Kept(_look(kind, value), now + SECONDS)
        if kept.tenant is None and kind == "name":
            return None  # it may be made this very moment, by another process
        with _lock:
            if len(_kept) >= MOST:
                _kept.clear()
            if times == _heard.times:  # else it may have been read before what was changed
                _kept[kind, value] = kept
    tenant: Tenant | None = copy.copy(kept.tenant)
    return tenant


def _look(kind: str, value: str) -> Tenant | None:
    if "\x00" in value:
        return None
    if kind == "name":
        former = Q(former_slugs__slug=value, former_slugs__until__gt=timezone.now())
        return _first(Q(slug=value) | Q(pk=value)) or _first(former)
    return _first(Q(domains__domain=value))


def _first(condition: Q) -> Tenant | None:
    tenant: Tenant | None = Tenant.objects.filter(condition).first()
    return tenant
