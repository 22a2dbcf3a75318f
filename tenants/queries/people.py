"""Who is who, and who belongs where."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q, Subquery

from tenants.models import Membership, SignIn, SignInKind, SsoProvider, TenantStatus, User
from tenants.roles import Role


def user(user_id: UUID | str) -> User | None:
    """None too when they may no longer sign in."""
    return User.objects.filter(pk=user_id, is_active=True).first()


def sign_in(sign_in_id: str, user_id: UUID) -> SignIn | None:
    """With its person; None when it has ended, or they may no longer sign in."""
    found = SignIn.objects.select_related("user").filter(pk=sign_in_id, user=user_id, ended_at=None)
    return found.filter(user__is_active=True).first()


def console_session(session_key: str, *, now: datetime) -> SignIn | None:
    """With its person, and what Django's session holds in `session_data`, all of it in one query."""
    held = Session.objects.filter(pk=OuterRef("session_key"), expire_date__gt=now).values("session_data")
    found = SignIn.objects.select_related("user").annotate(session_data=Subquery(held))
    found = found.filter(session_key=session_key, ended_at=None, expires_at__gt=now, user__is_active=True)
    return found.exclude(session_data=None).first()


def live_sign_ins(ids: Collection[str], *, now: datetime) -> list[SignIn]:
    """Those of them that have not ended; of a browser's, only where its session is there."""
    session = Exists(Session.objects.filter(pk=OuterRef("session_key"), expire_date__gt=now))
    found = SignIn.objects.filter(pk__in=ids, ended_at=None, expires_at__gt=now)
    return list(found.filter(Q(kind=SignInKind.TOKEN) | session))


def by_email(email: str) -> User | None:
    return User.objects.filter(email=email.lower()).first()


def membership(user_id: UUID, tenant_id: str) -> Membership | None:
    """With `sso_required`. None too for one that is suspended."""
    rows = Membership.objects.filter(user_id=user_id, tenant_id=tenant_id, suspended_at=None)
    found = rows.annotate(wants_sso=wants_sso()).first()
    if found is not None:
        found.sso_required = found.wants_sso
    return found


def wants_sso() -> Exists:
    """Of a membership: whether its tenant wants everybody but owners to sign in by its own provider."""
    return Exists(SsoProvider.objects.filter(tenant=OuterRef("tenant"), enabled=True, required=True))


def memberships(user_id: UUID, *, most: int | None = None, only: str | None = None) -> list[Membership]:
    """With their tenants, by slug: not what is suspended, nor what is deleted, which only its owners see. `only`: the
    one that a sign-in is bound to."""
    rows = Membership.objects.select_related("tenant").filter(user_id=user_id, suspended_at=None)
    rows = rows.filter(tenant=only) if only is not None else rows
    rows = rows.exclude(~Q(role=Role.OWNER), tenant__status=TenantStatus.DELETED).order_by("tenant__slug", "pk")
    return list(rows[:most])


def only_membership(user_id: UUID) -> Membership | None:
    """With its tenant; None when there is none, or more than one."""
    theirs = memberships(user_id, most=2)
    return theirs[0] if len(theirs) == 1 else None
