"""Let what is old leave the audit trail: what its tenant's plan keeps no more, and nothing younger than thirty days.

The database itself removes it (`postgres/audit_owner.sql`), from the beginning of a chain only, keeps the last digest
as the chain's anchor, and refuses what is younger: so neither the application nor staff can choose what goes.
"""

from datetime import datetime, timedelta
from typing import Protocol, cast

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from tenants.queries import audit_chain

LEAST = timedelta(days=30)  # as `audit_anchor_guard` has it
AT_ONCE = 1000  # in a transaction, which holds the chain
MOST = 50_000  # in a run


class Retention(Protocol):
    """`settings.TENANT_RETENTION`: tenant's id → days, of those that there are."""

    def __call__(self, tenant_ids: list[str]) -> dict[str, int]: ...


def forget_old(*, now: datetime, most: int = MOST) -> int:
    """For a sweep; in the platform's scope, outside of a transaction. Answers how many entries went."""
    begun = audit_chain.beginnings(now - LEAST)
    days = cast(Retention, import_string(settings.TENANT_RETENTION))([tenant_id for tenant_id, _ in begun])
    gone = 0
    for tenant_id, oldest in begun:
        before = now - max(LEAST, timedelta(days=days.get(tenant_id, settings.AUDIT_DAYS)))
        if oldest < before:
            gone += _forget(tenant_id, before, most - gone)
        if gone >= most:
            break
    return gone


def _forget(tenant_id: str, before: datetime, most: int) -> int:
    gone = 0
    while gone < most:
        asked = min(AT_ONCE, most - gone)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT audit_forget(%s, %s, %s)", [tenant_id, before, asked])
            went = int(cursor.fetchone()[0])
        gone += went
        if went < asked:
            break
    return gone
