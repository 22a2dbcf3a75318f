"""Walk a tenant's audit entries and compute every digest anew: what was changed, taken out or put in shows."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db import connection, transaction

# As `migrations/0005_audit_chain.py` says them to PostgreSQL.
FIELDS = (
    "previous",
    "id::text",
    "tenant_id",
    "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')",
    "coalesce(actor_id::text, '')",
    "actor",
    "impersonator",
    "through",
    "coalesce(host(address), '')",
    "act",
    "kind",
    "object_id",
    "name",
    "outcome",
    "detail",
    "before::text",
    "after::text",
    "request_id",
)
# In one statement, so that chain and anchor are of one moment (`audit_owner.sql`: what is old goes from the beginning).
QUERY = f"""SELECT tenant_id, id, e.digest, coalesce(a.digest, ''), {", ".join(FIELDS)}
FROM tenants_auditentry e LEFT JOIN audit_anchor a USING (tenant_id)"""  # noqa: S608 - columns of ours
ORDER = " ORDER BY 1, 2"
AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Walked:
    """`head` is the newest digest: kept elsewhere, it shows later whether the end was cut off. `broken` is the first
    entry that is not what it was, and why."""

    tenant_id: str
    entries: int
    head: str
    broken: int | None = None
    why: str = ""


def walk(tenant_id: str | None = None) -> Iterator[Walked]:
    """Each tenant that has entries ("" is the platform), or the one; in the platform's scope."""
    for one, rows in groupby(_rows(tenant_id), key=lambda row: row[0]):
        yield _walk(one, rows)


# From one chain to the next by the index, not through all entries.
BEGINNINGS = """
WITH RECURSIVE chains(tenant_id) AS (
    (SELECT tenant_id FROM tenants_auditentry ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.tenant_id FROM tenants_auditentry e WHERE e.tenant_id > c.tenant_id ORDER BY e.tenant_id LIMIT 1)
    FROM chains c WHERE c.tenant_id IS NOT NULL
)
SELECT c.tenant_id, o.at FROM chains c
CROSS JOIN LATERAL (
    SELECT id, at FROM tenants_auditentry e WHERE e.tenant_id = c.tenant_id ORDER BY id LIMIT 1
) o
WHERE c.tenant_id IS NOT NULL AND o.at < %s
    AND EXISTS (SELECT FROM tenants_auditentry e WHERE e.tenant_id = c.tenant_id AND e.id > o.id)
ORDER BY o.at
"""


def beginnings(before: datetime) -> list[tuple[str, datetime]]:
    """The chains of more than one entry whose oldest is from before then, and from when it is; the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(BEGINNINGS, [before])
        return list(cursor.fetchall())


def is_ours() -> bool:
    """Whether the application's own role owns the trail, and could take its triggers off: `audit_owner.sql` was not
    run."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'tenants_auditentry'::regclass")
        return bool(cursor.fetchone()[0])


def digest(fields: tuple[str, ...]) -> str:
    return hashlib.sha256("".join(f"{len(text)}:{text}" for text in fields).encode()).hexdigest()


def _walk(tenant_id: str, rows: Iterator[tuple[str, ...]]) -> Walked:
    entries, head = 0, ""
    for _, key, found, anchor, *fields in rows:
        head = head or anchor
        if fields[0] != head:
            return Walked(tenant_id, entries, head, int(key), "an entry before it is missing, or was put in")
        if digest(tuple(fields)) != found:
            return Walked(tenant_id, entries, head, int(key), "it is not what was written")
        entries, head = entries + 1, found
    return Walked(tenant_id, entries, head)


def _rows(tenant_id: str | None) -> Iterator[tuple[str, ...]]:
    """A cursor on the server: a trail is longer than memory."""
    where, values = ("", []) if tenant_id is None else (" WHERE tenant_id = %s", [tenant_id])
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(QUERY + where + ORDER, values)
        while rows := cursor.fetchmany(AT_ONCE):
            yield from rows
