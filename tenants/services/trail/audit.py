"""Write down what happened, in the transaction of what happened."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from tenants import scope
from tenants.actor import Actor
from tenants.models import AuditEntry, Outcome, Tenant

REDACTED = "••••"
SECRET_FIELDS = frozenset({"password", "secret", "client_secret", "key", "digest", "token", "id_token"})


def record(
    act: str,
    *,
    by: Actor,
    now: datetime,
    tenant: Tenant | str | None = None,
    thing: models.Model | None = None,
    name: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    outcome: Outcome = Outcome.DONE,
    detail: str = "",
) -> AuditEntry:
    """One entry. `act` is `<noun>.<verb>`; secrets among the fields are redacted; what did not change is left out.

    Last in its transaction: the database chains a tenant's entries, one at a time.
    """
    before, after = differing(before or {}, after or {})
    tenant_id = tenant.pk if isinstance(tenant, Tenant) else tenant or ""
    with _where(tenant_id):
        return AuditEntry.objects.create(
            tenant_id=tenant_id,
            at=now,
            actor_id=by.user_id,
            actor=by.name,
            impersonator=by.impersonator,
            through=by.through[:40],
            address=by.address or None,
            act=act,
            kind=thing._meta.model_name or "" if thing is not None else "",
            object_id=str(thing.pk) if thing is not None else "",
            name=(name or (str(thing) if thing is not None else ""))[:200],
            outcome=outcome,
            detail=detail[:500],
            before=redacted(before),
            after=redacted(after),
            request_id=by.request_id,
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One of many things done at once. `before` and `after` hold what differs."""

    act: str
    kind: str
    object_id: str
    name: str
    before: dict[str, Any]
    after: dict[str, Any]


def record_many(entries: Sequence[Entry], *, by: Actor, now: datetime, tenant: str) -> None:
    """The same for many, in few statements; the database chains them in their order."""
    with _where(tenant):
        AuditEntry.objects.bulk_create(
            [
                AuditEntry(
                    tenant_id=tenant,
                    at=now,
                    actor_id=by.user_id,
                    actor=by.name,
                    impersonator=by.impersonator,
                    through=by.through[:40],
                    address=by.address or None,
                    act=entry.act,
                    kind=entry.kind,
                    object_id=entry.object_id,
                    name=entry.name[:200],
                    outcome=Outcome.DONE,
                    before=redacted(entry.before),
                    after=redacted(entry.after),
                    request_id=by.request_id,
                )
                for entry in entries
            ],
            batch_size=500,
        )


@contextmanager
def _where(tenant_id: str) -> Iterator[None]:
    """A tenant's own scope may write its own entries; for any other, the platform's."""
    here = scope.current()
    if tenant_id and here is not None and here.tenant_id == tenant_id:
        yield
    else:
        with scope.platform_scope():
            yield


def differing(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return {n: before[n] for n in names & before.keys()}, {n: after[n] for n in names & after.keys()}


def redacted(fields: dict[str, Any]) -> dict[str, Any]:
    """That a secret changed may be known; what it is may not."""
    return {name: REDACTED if value and name in SECRET_FIELDS else value for name, value in fields.items()}
