"""Migrate everything: shared tables, then only the tenants' schemas that are not current.

Interrupted, it goes on where it was: each migration is a transaction, and the next run asks again who is stale.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import DatabaseError, connection

from tenants.models import Tenant
from tenants.queries import schemas
from tenants.scope import platform_scope
from tenants.services.schemas import migrations, provision

LOCK = 7_305_002
# A backend process remembers every schema it has touched (0.5 MB each): give it back now and then.
SCHEMAS_PER_CONNECTION = 50


@dataclass(frozen=True, slots=True)
class Result:
    tenants: int
    migrated: int
    created: int
    failed: tuple[tuple[str, str], ...]

    @property
    def current(self) -> int:
        return self.tenants - self.migrated - self.created - len(self.failed)


def migrate_tenants() -> Result:
    """One tenant's failure is told and does not hold up the others."""
    with platform_scope(), _alone():
        provision.snapshot()  # now, and not in somebody's sign-up
        waiting = schemas.stale(migrations.digest(migrations.expected()))
        total = Tenant.objects.count()
        migrated, created, failed = 0, 0, []
        for done, tenant in enumerate(waiting, start=1):
            try:
                if _bring(tenant):
                    created += 1
                else:
                    migrated += 1
            except DatabaseError as error:
                failed.append((tenant.slug, str(error).strip()))
            if done % SCHEMAS_PER_CONNECTION == 0:
                _fresh_connection()
    return Result(total, migrated, created, tuple(failed))


def _bring(tenant: Tenant) -> bool:
    """True when there was no schema yet."""
    with platform_scope():
        missing = not schemas.exists(tenant.schema_name)
    if missing:
        provision.create(tenant)
    else:
        migrations.migrate(tenant.schema_name, tenant.pk)
    return missing


def _fresh_connection() -> None:
    """Closed below Django, so that the pool throws it away."""
    if connection.connection is not None:
        connection.connection.close()
    connection.close()


@contextmanager
def _alone() -> Iterator[None]:
    """Two at once would each find the same schemas stale. Held on a connection of its own, through all the others."""
    holder = connection.copy()
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield
    finally:
        with holder.cursor() as cursor:  # back in the pool it would take the lock with it
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        holder.close()
