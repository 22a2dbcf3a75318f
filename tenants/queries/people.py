"""Who is who, and who belongs where."""

from uuid import UUID

from tenants.models import Membership, SignIn, User


def user(user_id: UUID | str) -> User | None:
    """None too when they may no longer sign in."""
    return User.objects.filter(pk=user_id, is_active=True).first()


def sign_in(sign_in_id: str, user_id: UUID) -> SignIn | None:
    """With its person; None when it has ended, or they may no longer sign in."""
    found = SignIn.objects.select_related("user").filter(pk=sign_in_id, user=user_id, ended_at=None)
    return found.filter(user__is_active=True).first()


def by_email(email: str) -> User | None:
    return User.objects.filter(email=email.lower()).first()


def membership(user_id: UUID, tenant_id: str) -> Membership | None:
    return Membership.objects.filter(user_id=user_id, tenant_id=tenant_id).first()


def memberships(user_id: UUID, *, most: int | None = None) -> list[Membership]:
    """With their tenants, by slug."""
    rows = Membership.objects.select_related("tenant").filter(user_id=user_id).order_by("tenant__slug", "pk")
    return list(rows[:most])


def only_membership(user_id: UUID) -> Membership | None:
    """With its tenant; None when there is none, or more than one."""
    theirs = memberships(user_id, most=2)
    return theirs[0] if len(theirs) == 1 else None
