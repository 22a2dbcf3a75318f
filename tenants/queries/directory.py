"""Which tenant is meant by a slug, an id or a host: asked on every request, so kept in the process for ten seconds.

`forget()` empties this process's; the others follow within `SECONDS`. The answer is a copy, so that nobody's change to
it is seen by another request.
"""

import copy
import time
from dataclasses import dataclass
from threading import Lock

from django.db.models import Q

from tenants.models import Tenant

SECONDS = 10.0
MOST = 10_000  # then it starts anew: hosts that nobody has are remembered too


@dataclass(frozen=True, slots=True)
class _Kept:
    tenant: Tenant | None
    until: float


_kept: dict[tuple[str, str], _Kept] = {}
_lock = Lock()


def by_name(slug_or_id: str) -> Tenant | None:
    return _find("name", slug_or_id)


def by_host(host: str) -> Tenant | None:
    """`host` without port, lower case."""
    return _find("host", host)


def fresh(tenant_id: str) -> Tenant | None:
    """Past the cache: for work that must not start for a tenant that is gone."""
    return _first(Q(pk=tenant_id))


def forget() -> None:
    with _lock:
        _kept.clear()


def _find(kind: str, value: str) -> Tenant | None:
    now = time.monotonic()
    kept = _kept.get((kind, value))
    if kept is None or kept.until < now:
        kept = _Kept(_look(kind, value), now + SECONDS)
        if kept.tenant is None and kind == "name":
            return None  # it may be made this very moment, by another process
        with _lock:
            if len(_kept) >= MOST:
                _kept.clear()
            _kept[kind, value] = kept
    tenant: Tenant | None = copy.copy(kept.tenant)
    return tenant


def _look(kind: str, value: str) -> Tenant | None:
    if "\x00" in value:
        return None
    if kind == "name":
        return _first(Q(slug=value) | Q(pk=value))
    return _first(Q(domains__domain=value))


def _first(condition: Q) -> Tenant | None:
    tenant: Tenant | None = Tenant.objects.filter(condition).first()
    return tenant
