"""Token sessions: an access token for minutes, and a chain of refresh tokens, each good for one use."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from tenants.errors import Unauthenticated
from tenants.models import Membership, RefreshToken, Tenant, User
from tenants.queries import people
from tenants.services import tokens

LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class SignedIn:
    user: User
    tenant: Tenant | None
    membership: Membership | None
    token: str
    refresh_token: str
    expires_at: datetime


def start(
    user: User,
    tenant: Tenant | None,
    membership: Membership | None,
    *,
    now: datetime,
    family: uuid.UUID | None = None,
) -> SignedIn:
    """Without a tenant: of several, or of none, and none was named. Without a membership of it: staff."""
    secret = secrets.token_urlsafe(32)
    RefreshToken.objects.create(
        user=user,
        tenant=tenant,
        family=family or uuid.uuid4(),
        digest=_digest(secret),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    token, expires = tokens.issue(user.pk, tenant.pk if tenant else None, now=now)
    return SignedIn(user, tenant, membership, token, secret, expires)


def refresh(secret: str, *, now: datetime) -> SignedIn:
    """Exchange it for new ones. Used a second time it was stolen, by now or by then: the whole chain ends.

    Raise `Unauthenticated`. The end of a chain is kept although the request is refused.
    """
    with transaction.atomic():
        outcome = _rotate(secret, now=now)
    if outcome is None:
        raise Unauthenticated("This refresh token is not valid. Sign in again.", "invalid_token")
    return outcome


def _rotate(secret: str, *, now: datetime) -> SignedIn | None:
    link = (
        RefreshToken.objects.select_for_update(of=("self",))
        .select_related("user", "tenant")
        .filter(digest=_digest(secret))
        .first()
    )
    if link is None or link.revoked_at is not None or link.expires_at <= now or not link.user.is_active:
        return None
    if link.used_at is not None:
        end(link.family, now=now)
        return None
    membership = people.membership(link.user.pk, link.tenant.pk) if link.tenant else None
    if link.tenant is not None and membership is None and not link.user.is_staff:
        return None  # no longer of this tenant
    RefreshToken.objects.filter(pk=link.pk).update(used_at=now)
    return start(link.user, link.tenant, membership, now=now, family=link.family)


def end(family: uuid.UUID, *, now: datetime) -> None:
    RefreshToken.objects.filter(family=family, revoked_at=None).update(revoked_at=now)


def end_by_secret(secret: str, *, now: datetime) -> None:
    """Sign out. Silent about what was never there."""
    link = RefreshToken.objects.filter(digest=_digest(secret)).first()
    if link is not None:
        end(link.family, now=now)


def forget_old(*, now: datetime) -> int:
    """Delete what can prove nothing any more. For a sweep."""
    deleted, _ = RefreshToken.objects.filter(expires_at__lt=now).delete()
    return deleted


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
