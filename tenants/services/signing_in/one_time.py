"""What a mail's link carries: a secret that is good once, for a while. Only its digest is kept."""

import secrets
from datetime import datetime, timedelta

from tenants.errors import Refused
from tenants.models import OneTimeKind, OneTimeToken, User
from tenants.services.signing_in import sign_ins

LIFETIMES = {
    OneTimeKind.VERIFY_EMAIL: timedelta(hours=48),
    OneTimeKind.CHANGE_EMAIL: timedelta(hours=48),
    OneTimeKind.RESET_PASSWORD: timedelta(hours=1),
}
MOST_AN_HOUR = 5  # mails to one person: a form that anybody may send must not fill somebody's mailbox


class NotValid(Refused):
    """The same whether it never was, was used, or is too old."""

    def __init__(self) -> None:
        detail = "This link is not valid any more: it was used, or it is too old. Ask for a new one."
        super().__init__(detail, "invalid_link", 422)


def issue(user: User, kind: OneTimeKind, *, email: str, now: datetime) -> str | None:
    """The secret; None when this person was sent enough of them for now."""
    recent = OneTimeToken.objects.filter(user=user, kind=kind, created_at__gt=now - timedelta(hours=1))
    if recent.count() >= MOST_AN_HOUR:
        return None
    secret = secrets.token_urlsafe(32)
    OneTimeToken.objects.create(
        user=user,
        kind=kind,
        email=email,
        digest=sign_ins.digest(secret),
        created_at=now,
        expires_at=now + LIFETIMES[kind],
    )
    return secret


def find(secret: str, *kinds: OneTimeKind, now: datetime) -> OneTimeToken:
    """With its person, who may still sign in. Raise `NotValid`."""
    row = OneTimeToken.objects.select_related("user").filter(digest=sign_ins.digest(secret), kind__in=kinds).first()
    if row is None or row.used_at is not None or row.expires_at <= now or not row.user.is_active:
        raise NotValid
    return row


def spend(secret: str, *kinds: OneTimeKind, now: datetime) -> OneTimeToken:
    """Of two at once, one: used is set where it was not. In the caller's transaction. Raise `NotValid`."""
    row = find(secret, *kinds, now=now)
    if not OneTimeToken.objects.filter(pk=row.pk, used_at=None).update(used_at=now):
        raise NotValid
    return row


def cancel(user: User, *kinds: OneTimeKind, now: datetime) -> None:
    """What was mailed before is good no more."""
    OneTimeToken.objects.filter(user=user, kind__in=kinds, used_at=None).update(used_at=now)


def forget_old(*, now: datetime) -> None:
    """For a sweep. A day longer than they are good, so that what was mailed of late is known."""
    OneTimeToken.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
