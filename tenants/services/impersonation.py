"""Staff see what a person of a tenant sees: read-only, in one tenant, for a while, and every request is written down.

It lies in the staff member's own session, which stays theirs: it ends with their sign-in, their rights, or its time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction

from tenants.actor import Actor
from tenants.errors import Forbidden, InvalidField, Refused
from tenants.models import Outcome, SignIn, Tenant, User
from tenants.queries import people
from tenants.scope import platform_scope
from tenants.services.trail import audit

LASTS = timedelta(minutes=30)
REASON_MOST = 300
KEY = "impersonation"


class ReadOnly(Refused):
    def __init__(self) -> None:
        super().__init__("You look as somebody else: nothing can be changed. Stop that first.", "read_only", 403)


@dataclass(frozen=True, slots=True)
class Impersonation:
    """`person` is who is seen as; `staff` is who looks."""

    person: User
    staff: User
    tenant_id: str
    reason: str
    until: datetime


def begin(
    session: SessionBase, staff: User, person: User, tenant: Tenant, *, reason: str, by: Actor, now: datetime
) -> None:
    """Raise `InvalidField` or `Forbidden`: nobody of the staff is looked as, nor who is no member."""
    reason = reason.strip()
    if not 1 <= len(reason) <= REASON_MOST:
        raise InvalidField(
            "reason", f"Say why, in {REASON_MOST} characters at most; the tenant's audit trail keeps it."
        )
    if not staff.is_staff or person.is_staff or people.membership(person.pk, tenant.pk) is None:
        raise Forbidden("staff", ["staff"])
    until = now + LASTS
    session[KEY] = {"person": str(person.pk), "tenant": tenant.pk, "reason": reason, "until": until.timestamp()}
    with transaction.atomic(), platform_scope():
        audit.record("impersonation.begin", by=by, now=now, tenant=tenant, name=person.email, detail=reason)


def current(session: SessionBase, sign_in: SignIn, *, now: datetime) -> Impersonation | None:
    """What the session of this sign-in looks as; one that is over is forgotten."""
    kept = session.get(KEY)
    if not kept:
        return None
    until, person = datetime.fromtimestamp(kept["until"], UTC), people.user(kept["person"])
    staff = sign_in.user
    if until <= now or person is None or person.is_staff or not staff.is_staff:
        del session[KEY]
        return None
    return Impersonation(person, staff, kept["tenant"], kept["reason"], until)


def looks_as(session: SessionBase, person_id: str, tenant_id: str, *, now: datetime) -> bool:
    """Whether this session still looks as that person, there: for what was opened while it did."""
    kept = session.get(KEY)
    if not kept or kept["until"] <= now.timestamp():
        return False
    return (kept["person"], kept["tenant"]) == (person_id, tenant_id)


def end(session: SessionBase, *, by: Actor, now: datetime) -> None:
    kept = session.pop(KEY, None)
    if kept:
        with transaction.atomic(), platform_scope():
            audit.record("impersonation.end", by=by, now=now, tenant=kept["tenant"])


def note(what: str, *, by: Actor, tenant_id: str, now: datetime, refused: bool = False) -> None:
    """One request: `what` is its method and path."""
    outcome = Outcome.REFUSED if refused else Outcome.DONE
    with transaction.atomic(), platform_scope():
        audit.record("impersonation.request", by=by, now=now, tenant=tenant_id, name=what, outcome=outcome)
