"""One cut at a time for a tenant, and one more in line."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# Locks of a session, not of a transaction: they must be held before the snapshot is taken.
TAKE = "SELECT pg_advisory_lock(hashtextextended(%s || %s, 0))"
TRY = "SELECT pg_try_advisory_lock(hashtextextended(%s || %s, 0))"
LET_GO = "SELECT pg_advisory_unlock(hashtextextended(%s || %s, 0))"
CUT, NEXT = "cut ", "cut next "


@contextmanager
def one_at_a_time(tenant_id: str) -> Iterator[None]:
    """Hold the tenant's cut, however long another has it."""
    _asked(TAKE, CUT, tenant_id)
    try:
        yield
    finally:
        _asked(LET_GO, CUT, tenant_id)


@contextmanager
def in_turn(tenant_id: str) -> Iterator[bool]:
    """The same, but with one in line at most: a large tenant that changes quickly keeps two workers and no more. False:
    another waits already. It has not looked yet, and will see all that was committed before now."""
    if not _asked(TRY, CUT, tenant_id):
        if not _asked(TRY, NEXT, tenant_id):
            yield False
            return
        try:
            _asked(TAKE, CUT, tenant_id)
        finally:
            _asked(LET_GO, NEXT, tenant_id)
    try:
        yield True
    finally:
        _asked(LET_GO, CUT, tenant_id)


def _asked(what: str, which: str, tenant_id: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(what, [which, tenant_id])
        return cursor.fetchone()[0]
