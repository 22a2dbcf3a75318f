"""What concerns a person is in the audit trail of each tenant that they belong to; of one who has none, in the
platform's."""

from datetime import datetime
from typing import Any

from tenants.actor import Actor
from tenants.models import Outcome, Tenant, User
from tenants.queries import people
from tenants.services.trail import audit

TENANTS_MOST = 20


def record(
    act: str,
    user: User,
    *,
    by: Actor,
    now: datetime,
    tenant: Tenant | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    detail: str = "",
) -> None:
    """Last in its transaction. `tenant`: it concerns this one only."""
    memberships = people.memberships(user.pk, most=TENANTS_MOST) if tenant is None else []
    where: list[Tenant | None] = [one.tenant for one in memberships] or [tenant]
    for one in sorted(where, key=lambda held: held.pk if held else ""):  # in one order, as each trail is locked
        audit.record(act, by=by, now=now, tenant=one, thing=user, before=before, after=after, detail=detail)


def refused(act: str, email: str, *, by: Actor, now: datetime, detail: str) -> None:
    """Somebody who may be anybody. In the platform's trail, whether there is such an account or not: both take as
    long, and no tenant's trail is filled from outside."""
    audit.record(act, by=by, now=now, name=email, outcome=Outcome.REFUSED, detail=detail)
