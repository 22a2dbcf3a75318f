"""Where a person is signed in: list it, end one, end all others."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from tenants.actor import Actor
from tenants.models import SignIn, SignInKind, SignInMethod, User
from tenants.services.signing_in import sign_ins
from tenants.services.trail import people_audit


def live(user: User, *, now: datetime, seen_from: SignIn | None) -> QuerySet[SignIn]:
    """What would be let in, were it to ask now. Newest use first. `seen_from`: who came by a tenant's own provider sees
    (and ends) what is of this tenant, for the provider has no business with the person's others."""
    seen = Q(last_seen_at__gt=now - timedelta(seconds=settings.SESSION_IDLE_SECONDS))
    here: QuerySet[SignIn] = SignIn.objects.filter(user=user, ended_at=None, expires_at__gt=now)
    if seen_from is not None and seen_from.method == SignInMethod.SSO:
        here = here.filter(tenant=seen_from.tenant_id)
    return here.filter(Q(kind=SignInKind.TOKEN) | seen).order_by("-last_seen_at", "pk")


@transaction.atomic
def revoke(sign_in: SignIn, *, by: Actor, now: datetime) -> None:
    if sign_ins.end([sign_in], reason="revoked", now=now):
        people_audit.record("session.revoke", sign_in.user, by=by, now=now, tenant=sign_in.tenant)


@transaction.atomic
def revoke_others(user: User, *, but: SignIn | None, by: Actor, now: datetime) -> int:
    others = live(user, now=now, seen_from=but).exclude(pk=but.pk if but else None)
    ended = sign_ins.end(others, reason="revoked", now=now)
    if ended:
        people_audit.record("session.revoke", user, by=by, now=now, after={"ended": ended})
    return ended
