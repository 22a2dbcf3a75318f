"""Hold a tenant to the counts of its plan. Nothing that exists is ever stopped by one."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from tenants.errors import LimitReached
from tenants.models import Invitation, Membership, Tenant


class Seats(Protocol):
    """`settings.TENANT_SEATS`: how many people a tenant's plan includes; None is any number."""

    def __call__(self, tenant_id: str) -> int | None: ...


def seats(tenant: Tenant) -> int | None:
    return cast(Seats, import_string(settings.TENANT_SEATS))(tenant.pk)


def seats_used(tenant: Tenant, *, now: datetime) -> int:
    """Members, those who may not use their place too, and places that are offered."""
    offered = Invitation.objects.filter(tenant=tenant, accepted_at=None, revoked_at=None, expires_at__gt=now)
    return Membership.objects.filter(tenant=tenant).count() + offered.count()


def room_for_a_member(tenant: Tenant, *, now: datetime, offered: int = 0) -> None:
    """Under the tenant's lock. `offered`: places that are counted already and will be this one."""
    refuse_over("members", seats(tenant), lambda: seats_used(tenant, now=now) - offered, 1)


def refuse_over(what: str, limit: int | None, count: Callable[[], int], more: int) -> None:
    """Raise `LimitReached` (402)."""
    if limit is None:
        return
    used = count()
    if used + more > limit:
        raise LimitReached(
            f"Your plan includes {limit} {what}, and {used} are in use. Remove one, or choose a larger plan.",
            limit=limit,
            used=used,
            upgrade_url=f"{settings.BASE_URL}/pricing",
        )
