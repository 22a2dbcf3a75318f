"""The names that backends go by: looked up when somebody first names them, and again whenever an answer has run out.

The row is the work (`fleet.Name`): what is due is found by its time, claimed for a moment, asked for outside of any
transaction, and written. Many tenants with one name are one look-up. An answer that fails changes nothing but what is
said of it; one that leads elsewhere marks the tenants whose nodes are to be told.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime, timedelta
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any, Protocol

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from redis.exceptions import LockError

from balancer.fleet.models import Name, NameUse
from balancer.haproxy.names import MOST, settled
from balancer.queries import store
from balancer.services import addresses, lookups
from balancer.services.lookups import Looked
from tenants.outbound import waiting
from tenants.scope import platform_scope

log = structlog.get_logger(__name__)

LEAST_TTL, MOST_TTL = 5, 300  # seconds
MOST_PATIENCE = 60  # seconds between two looks at a name that fails
LEASE = timedelta(seconds=15)  # longer than any look
UNUSED = timedelta(minutes=10)  # somebody may be about to save it
FIRST_SECONDS = 4.0  # that a save waits for all of its names
AT_ONCE = lookups.AT_ONCE  # all of a round are asked at the same moment
ROUNDS = 40
ROUND_SECONDS = 6.0  # both kinds of address, and a moment
ALONE_SECONDS = 30

SILENT = Looked()  # no answer in time

_looked: ContextVar[dict[str, Looked] | None] = ContextVar("names_looked_up", default=None)


@contextmanager
def first_look(values: Collection[str], *, now: datetime) -> Iterator[None]:
    """Before a transaction that brings these addresses: ask for the names among them, so that what is saved inside is
    judged by what they lead to (`judge`). What does not answer in time is saved unjudged, and asked for again at once,
    though not by a look inside of this one: that one has the transaction open, and the tenant held.
    """
    known = _looked.get() or {}
    new = {name for name in map(_name_in, values) if name} - known.keys()
    found = _first(new, now=now) if new else {}
    token = _looked.set({**known, **dict.fromkeys(new, SILENT), **found})
    try:
        yield
    finally:
        _looked.reset(token)


class Brings(Protocol):
    """An operation of many (`services.batch`)."""

    @property
    def kind(self) -> str: ...
    @property
    def values(self) -> Mapping[str, Any]: ...


def look_first(operations: Iterable[Brings], *, now: datetime) -> AbstractContextManager[None]:
    """`first_look` at what they bring."""
    brought = (one.values.get("address") for one in operations if one.kind == "backend")
    return first_look([address for address in brought if isinstance(address, str)], now=now)


def _name_in(value: str) -> str | None:
    try:
        return addresses.read(value).host
    except ValueError:
        return None


def _first(names: Collection[str], *, now: datetime) -> dict[str, Looked]:
    """What was found lately need not be asked again, unless some port may not be used there: then it may be mended."""
    lately = Name.objects.filter(name__in=names, next_at__gt=now, problem="").exclude(addresses=[])
    found = {row.name: Looked(tuple(row.ips), LEAST_TTL) for row in lately if not any(map(_is_loopback, row.ips))}
    missing = sorted(set(names) - found.keys())
    if missing:
        waiting.let_others_ask()
        asked = lookups.look_all(missing, within=FIRST_SECONDS)
        with platform_scope():  # whoever else goes by them is to follow too
            Name.objects.bulk_create([Name(name=name, next_at=now) for name in asked], ignore_conflicts=True)
            for name, looked in asked.items():
                take(name, looked, asked=now, now=now)
        found |= asked
    return found


def _is_loopback(ip: str) -> bool:
    return ip_address(ip).is_loopback


def judge(name: str, port: int, policy: addresses.Policy) -> None:
    """Raise `ValueError` where the name was just seen to lead where no traffic is sent: with one such address it is
    nobody's mistake, though later a look only leaves it out."""
    looked = (_looked.get() or {}).get(name)
    bad = [ip for ip in looked.ips if not addresses.may_serve(ip, port, policy)] if looked else []
    if bad:
        raise ValueError(refused(name, bad))


def refused(name: str, ips: Collection[str]) -> str:
    """Of a name that leads to these."""
    shown = ", ".join(sorted(ips)[:3])
    return (
        f"{name} leads to {shown}, where no traffic is sent: a node's own, the platform's, a link's or a cloud's "
        "metadata address. Point it at your own servers."
    )


def policy() -> addresses.Policy:
    """For any port; which ports are the platform's own is seen where the port is known."""
    return addresses.Policy(settings.DEMO, frozenset(), settings.DENIED_NETWORKS)


def look_at_due(*, now: datetime) -> int:
    """In the platform's scope, outside of a transaction. Returns how many names lead elsewhere than before.

    One at a time: names whose servers are silent must not take the workers that changes wait for. After a round with
    such ones, the others' turn comes first again.
    """
    changed = 0
    with alone() as mine:
        for _ in range(ROUNDS if mine else 0):
            claimed = claim(now=now)
            waiting.let_others_ask()
            found = lookups.look_all(claimed, within=ROUND_SECONDS)
            changed += sum(take(name, looked, asked=now, now=now) for name, looked in found.items())
            if len(claimed) < AT_ONCE or not all(looked.ips for looked in found.values()):
                break
    return changed


@contextmanager
def alone() -> Iterator[bool]:
    """False: somebody else is at it. Who dies meanwhile holds nobody up for long. Raises redis.RedisError."""
    lock = store.client().lock(store.LOOKING, timeout=ALONE_SECONDS, blocking=False)
    mine = lock.acquire()
    try:
        yield mine
    finally:
        if mine:
            with suppress(LockError):  # it took longer: whoever is at it now keeps it
                lock.release()


@transaction.atomic
def claim(*, now: datetime) -> list[str]:
    """Names that are due, and nobody else's for a moment: those that are well first, then the longest due. Those that
    nobody uses go."""
    due = Name.objects.select_for_update(skip_locked=True).filter(next_at__lte=now)
    due = due.order_by(F("failing_since").asc(nulls_first=True), "next_at", "name")
    rows = list(due[:AT_ONCE])
    used = set(NameUse.objects.filter(name__in=[row.name for row in rows]).values_list("name", flat=True))
    gone = [row.name for row in rows if row.name not in used and (row.asked_at or now - UNUSED) <= now - UNUSED]
    Name.objects.filter(name__in=gone).delete()
    claimed = [row.name for row in rows if row.name in used]
    Name.objects.filter(name__in=[row.name for row in rows]).update(next_at=now + LEASE)
    return claimed


@transaction.atomic
def take(name: str, looked: Looked, *, asked: datetime, now: datetime) -> bool:
    """In the platform's scope: write down what was found; True where it leads elsewhere. Every address is judged, each
    time: who answers for a name may answer otherwise tomorrow. What was found before stays while nothing is found that
    may be used."""
    row = Name.objects.select_for_update().filter(name=name).first()
    if row is None or (row.asked_at is not None and row.asked_at > asked):
        return False
    may = policy()
    bad = [ip for ip in looked.ips if not addresses.may_serve(ip, 0, may)]
    good = [ip for ip in looked.ips if ip not in bad]
    before = row.addresses
    if good:
        row.addresses, row.found_at, row.more = settled(before, good), now, max(0, len(good) - MOST)
    else:
        # What may be used no more is not used for want of better.
        row.addresses = settled(before, [ip for ip in row.ips if addresses.may_serve(ip, 0, may)])
    row.problem = (refused(name, bad) if bad else looked.problem)[:300]
    row.failing_since = (row.failing_since or now) if row.problem else None
    row.asked_at = asked
    row.next_at = now + timedelta(seconds=wait(row, looked, now=now))
    changed: bool = row.addresses != before
    if changed:
        row.changed_at = now
        NameUse.objects.filter(name=name).update(behind=True)
        log.info("name leads elsewhere", name=name, before=before, after=row.addresses)
    row.save()
    return changed


def wait(row: Name, looked: Looked, *, now: datetime) -> float:
    """Seconds until the next look: as long as the answer holds, within bounds; of what fails, as long as it has failed.
    A tenth of it apart from name to name, so that what was saved together is not asked together for ever."""
    if looked.ips:
        seconds = float(min(max(looked.ttl, LEAST_TTL), MOST_TTL))
    else:
        failing = (now - row.failing_since).total_seconds() if row.failing_since else 0.0
        seconds = min(max(failing, LEAST_TTL), MOST_PATIENCE)
    return seconds * (1 + blake2b(row.name.encode(), digest_size=1).digest()[0] / 2560)


def behind(most: int) -> list[str]:
    """Tenants whose nodes are to be told of other addresses. In the platform's scope; one query."""
    found = NameUse.objects.filter(behind=True).order_by("tenant").values_list("tenant_id", flat=True)
    return list(found.distinct()[:most])
