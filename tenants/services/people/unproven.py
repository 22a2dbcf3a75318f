"""Let go of accounts whose address was never proven, and of tenants that only they had."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from tenants.actor import SYSTEM
from tenants.models import ApiKey, Membership, SignIn, SsoIdentity, Tenant, TenantStatus, User
from tenants.services.tenancy import tenancy, tenant_life
from tenants.services.trail import audit

AFTER = timedelta(days=7)
MOST = 50  # in a run


def sweep(*, now: datetime, most: int = MOST) -> int:
    """Each in its own transaction; in the platform's scope. Answers how many went.

    Nothing is done where addresses need no proof: there an account is used without one.
    """
    if settings.DEMO or not settings.VERIFY_EMAIL:
        return 0
    return sum(_let_go(user_id, now=now) for user_id in _due(now).values_list("pk", flat=True)[:most])


def _due(now: datetime) -> "QuerySet[User]":
    """Whoever was ever in, by whatever door, and whoever belongs to a tenant with somebody else in it, stays."""
    mine = Membership.objects.filter(user=OuterRef("pk"))
    others = Membership.objects.filter(tenant=OuterRef("tenant")).exclude(user=OuterRef("user"))
    used = ApiKey.objects.filter(tenant=OuterRef("tenant"), last_used_at__isnull=False)
    return User.objects.filter(
        ~Exists(mine.filter(Exists(others) | Exists(used))),
        ~Exists(SignIn.objects.filter(user=OuterRef("pk"))),
        ~Exists(SsoIdentity.objects.filter(user=OuterRef("pk"))),
        Q(last_login=None),
        email_verified_at=None,
        is_staff=False,
        is_superuser=False,
        created_at__lt=now - AFTER,
    ).order_by("created_at", "pk")


@transaction.atomic
def _let_go(user_id: UUID, *, now: datetime) -> bool:
    """Its tenants as their owner would delete them: to be restored by staff for thirty days, then purged.

    Tenants are held first, in one order, as whoever joins one holds it; then it is looked again.
    """
    held = [tenancy.hold(pk) for pk in _tenants(user_id).values_list("pk", flat=True)]
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None or not _due(now).filter(pk=user_id).exists() or _tenants(user_id).count() != len(held):
        return False
    for tenant in held:
        if tenant.status != TenantStatus.DELETED:
            tenant_life.delete(tenant, by=SYSTEM, now=now)
    gone = {"email": user.email, "created_at": user.created_at.isoformat()}
    user.delete()
    audit.record("account.expire", by=SYSTEM, now=now, name=gone["email"], before=gone)
    return True


def _tenants(user_id: UUID) -> "QuerySet[Tenant]":
    found: QuerySet[Tenant] = Tenant.objects.filter(memberships__user=user_id).order_by("pk")
    return found
