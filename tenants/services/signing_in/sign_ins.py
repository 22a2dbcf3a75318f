"""Start, continue and end the places where somebody is signed in: console sessions and chains of refresh tokens."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction

from tenants.actor import Actor
from tenants.errors import Unauthenticated
from tenants.models import Membership, Outcome, RefreshToken, SignIn, SignInKind, SignInMethod, Tenant, User
from tenants.queries import people
from tenants.services.signing_in import tokens
from tenants.services.trail import audit

LIFETIME = timedelta(days=30)  # of a chain of tokens that nobody uses
CHAIN_MOST = timedelta(days=90)  # of one that is used
SEEN_EVERY = timedelta(minutes=1)  # how exact `last_seen_at` is


@dataclass(frozen=True, slots=True)
class From:
    """Where a sign-in comes from, and how it was proven. `second_factor`: one was part of it."""

    address: str
    user_agent: str = ""
    method: SignInMethod = SignInMethod.PASSWORD
    second_factor: bool = False
    request_id: str = ""

    def actor(self, user: User | None = None) -> Actor:
        """Of one who is signing in: nobody yet, without `user`."""
        return Actor(
            user_id=user.pk if user else None,
            through=self.method.value,
            request_id=self.request_id,
            address=self.address,
            name=user.email if user else "",
        )


@dataclass(frozen=True, slots=True)
class SignedIn:
    user: User
    tenant: Tenant | None
    membership: Membership | None
    token: str
    refresh_token: str
    expires_at: datetime


def start(user: User, tenant: Tenant | None, membership: Membership | None, *, source: From, now: datetime) -> SignedIn:
    """Tokens. Without a tenant: of several, or of none, and none was named. Without a membership of it: staff."""
    sign_in = SignIn.objects.create(tenant=tenant, kind=SignInKind.TOKEN, **begun(user, source, now=now))
    return _issue(sign_in, membership, now=now)


def start_console(user: User, session_key: str, *, source: From, now: datetime, tenant: Tenant | None = None) -> SignIn:
    """A browser's session, whose Django session has this key."""
    fields = begun(user, source, now=now) | {"expires_at": now + timedelta(seconds=settings.SESSION_MOST_SECONDS)}
    made: SignIn = SignIn.objects.create(tenant=tenant, kind=SignInKind.CONSOLE, session_key=session_key, **fields)
    return made


def seen(sign_in: SignIn, *, address: str, now: datetime) -> None:
    """Just now, and from there; written down once a minute."""
    if now - sign_in.last_seen_at < SEEN_EVERY:
        return
    sign_in.last_seen_at, sign_in.address = now, address or sign_in.address
    SignIn.objects.filter(pk=sign_in.pk).update(last_seen_at=now, address=sign_in.address)


def begun(user: User, source: From, *, now: datetime) -> dict[str, object]:
    return {
        "user": user,
        "method": source.method,
        "created_at": now,
        "last_seen_at": now,
        "expires_at": now + LIFETIME,
        "proven_at": now,
        "second_factor_at": now if source.second_factor else None,
        "address": source.address or None,
        "user_agent": source.user_agent[:200],
    }


def refresh(secret: str, *, source: From, now: datetime) -> SignedIn:
    """Exchange it for new ones. Used a second time it was stolen, by now or by then: the sign-in ends.

    Raise `Unauthenticated`. The end of a sign-in is kept although the request is refused.
    """
    with transaction.atomic():
        outcome = _rotate(secret, source=source, now=now)
    if outcome is None:
        raise Unauthenticated("This refresh token is not valid. Sign in again.", "invalid_token")
    return outcome


def _rotate(secret: str, *, source: From, now: datetime) -> SignedIn | None:
    link = (
        RefreshToken.objects.select_for_update(of=("self",))
        .select_related("sign_in__user", "sign_in__tenant")
        .filter(digest=digest(secret))
        .first()
    )
    if link is None or link.expires_at <= now:
        return None
    sign_in = link.sign_in
    user, tenant = sign_in.user, sign_in.tenant
    if sign_in.ended_at is not None or not user.is_active or now - sign_in.created_at > CHAIN_MOST:
        return None
    if link.used_at is not None:
        end([sign_in], reason="reused", now=now)
        audit.record(
            "sign_in.reuse", by=source.actor(), now=now, tenant=tenant, thing=user, name=user.email,
            outcome=Outcome.REFUSED, detail="A refresh token came a second time: this sign-in has ended.",
        )  # fmt: skip
        return None
    membership = people.membership(user.pk, tenant.pk) if tenant else None
    if tenant is not None and membership is None and not user.is_staff:
        return None  # no longer of this tenant
    RefreshToken.objects.filter(pk=link.pk).update(used_at=now)
    SignIn.objects.filter(pk=sign_in.pk).update(last_seen_at=now, expires_at=now + LIFETIME)
    return _issue(sign_in, membership, now=now)


def _issue(sign_in: SignIn, membership: Membership | None, *, now: datetime) -> SignedIn:
    secret = secrets.token_urlsafe(32)
    RefreshToken.objects.create(sign_in=sign_in, digest=digest(secret), created_at=now, expires_at=now + LIFETIME)
    token, expires = tokens.issue(sign_in.user_id, sign_in.tenant_id, sign_in=sign_in.pk, now=now)
    return SignedIn(sign_in.user, sign_in.tenant, membership, token, secret, expires)


def end(sign_ins: Iterable[SignIn], *, reason: str, now: datetime) -> int:
    """Final, at once: the next request with any of them is refused, and open sockets close within seconds."""
    ids = [one.pk for one in sign_ins]
    here = SignIn.objects.filter(pk__in=ids, ended_at=None)
    keys = list(here.exclude(session_key=None).values_list("session_key", flat=True))
    ended = here.update(ended_at=now, end_reason=reason)
    Session.objects.filter(pk__in=keys).delete()
    return ended


def end_all(user: User, *, reason: str, now: datetime, but: str | None = None) -> int:
    """Of one person, everywhere; `but` is the id of the sign-in that may stay."""
    return end(SignIn.objects.filter(user=user, ended_at=None).exclude(pk=but), reason=reason, now=now)


def end_by_secret(secret: str, *, now: datetime) -> None:
    """Sign out. Silent about what was never there."""
    link = RefreshToken.objects.select_related("sign_in").filter(digest=digest(secret)).first()
    if link is not None:
        end([link.sign_in], reason="signed_out", now=now)


def forget_old(*, now: datetime) -> int:
    """Delete what can prove nothing any more. For a sweep."""
    RefreshToken.objects.filter(expires_at__lt=now).delete()
    deleted, _ = SignIn.objects.filter(expires_at__lt=now).delete()
    return deleted


def digest(secret: str) -> str:
    """Plain sha256 is enough: the secrets have 256 bits of their own."""
    return hashlib.sha256(secret.encode()).hexdigest()
