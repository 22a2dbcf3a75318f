"""What a request shows to prove who asks: a session, a bearer token, an API key, or HTTP Basic."""

import base64
import binascii
from datetime import datetime

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from tenants.errors import Unauthenticated
from tenants.models import SignIn, SignInMethod, User
from tenants.queries import people
from tenants.restkit.access import Caller, address_of, source_of
from tenants.roles import Role
from tenants.services import impersonation, keys
from tenants.services.people import accounts
from tenants.services.signing_in import console_sessions, second_factor, sign_ins, tokens
from tenants.services.signing_in.sign_ins import From

MOST = 8192


def caller_of(request: HttpRequest, *, now: datetime) -> Caller | None:
    """None when nothing was shown. Raise `Unauthenticated` or `LockedOut` when what was shown is no good."""
    header = request.headers.get("Authorization", "")
    if not header:
        return from_session(request, now=now)
    if len(header) > MOST or "\x00" in header:
        raise Unauthenticated("This credential is not valid.", "invalid_credential")
    scheme, _, value = header.partition(" ")
    match scheme.lower():
        case "bearer":
            return from_bearer(value.strip(), now=now, address=address_of(request))
        case "basic":
            if settings.BASE_URL.startswith("https://") and not request.is_secure():
                raise Unauthenticated("Send a password over https only.", "invalid_credential")
            return from_basic(value.strip(), source=source_of(request), now=now)
    raise Unauthenticated("Use “Bearer”, with a token or a key, or “Basic”.", "invalid_credential")


def from_session(request: HttpRequest, *, now: datetime) -> Caller | None:
    sign_in = session_of(request, now=now)
    if sign_in is None:
        return None
    sign_ins.seen(sign_in, address=address_of(request), now=now)
    seen_as = impersonation.current(request.session, sign_in, now=now) if sign_in.user.is_staff else None
    if seen_as is not None:
        return Caller(
            seen_as.person,
            "impersonation",
            f"session:{sign_in.user_id}",
            tenant_id=seen_as.tenant_id,
            sign_in=sign_in,
            expires_at=seen_as.until,
            impersonation=seen_as,
        )
    return Caller(sign_in.user, "session", f"session:{sign_in.user_id}", tenant_id=sign_in.tenant_id, sign_in=sign_in)


def session_of(request: HttpRequest, *, now: datetime) -> SignIn | None:
    """The live sign-in of a browser's session. One that was left alone too long ends here."""
    sign_in = console_sessions.of(request)
    if sign_in is None or request.session.get(SESSION_KEY) != str(sign_in.user_id):
        return None
    # What a new password changes, whoever set it.
    if not constant_time_compare(request.session.get(HASH_SESSION_KEY, ""), sign_in.user.get_session_auth_hash()):
        return None
    if sign_in.method == SignInMethod.SSO and sign_in.user.is_staff:
        return None  # made staff since: a tenant's provider speaks for none of them
    if console_sessions.is_idle(sign_in, now=now):
        sign_ins.end([sign_in], reason="idle", now=now)
        return None
    return sign_in


def person_of(request: HttpRequest) -> User | AnonymousUser:
    """`request.user`."""
    sign_in = session_of(request, now=timezone.now())
    return sign_in.user if sign_in is not None else AnonymousUser()


def from_bearer(value: str, *, now: datetime, address: str = "") -> Caller:
    """A token or a key."""
    if value.startswith("vf_"):
        return _from_key(value, now=now, address=address)
    claims = tokens.read(value)
    sign_in = people.sign_in(claims.sign_in, claims.user_id)
    if sign_in is None:
        raise Unauthenticated("This token is not valid.", "invalid_token")
    sign_ins.seen(sign_in, address=address, now=now)
    return Caller(
        sign_in.user,
        "jwt",
        f"user:{sign_in.user_id}",
        claims.tenant_id,
        sign_in=sign_in,
        expires_at=claims.expires_at,
    )


def _from_key(value: str, *, now: datetime, address: str) -> Caller:
    key = keys.find(value, now=now, address=address)
    return Caller(
        key.created_by,
        f"api key {key.name}"[:40],
        f"key:{key.pk}",
        key.tenant_id,
        Role(key.role),
        scopes=frozenset(key.scopes) or None,
    )


def from_basic(value: str, *, source: From, now: datetime) -> Caller:
    """For scripts of people without a second factor: it is a password alone."""
    try:
        email, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthenticated("This is not HTTP Basic.", "invalid_credential") from error
    if not email.isprintable():  # nobody's address, and the audit trail could not keep it
        raise Unauthenticated("This is not HTTP Basic.", "invalid_credential")
    user = accounts.prove(email, password, source=source, now=now)
    if second_factor.factors(user).any:
        sentence = "Your account has a second factor: use an API key, or sign in for a token."
        raise Unauthenticated(sentence, "second_factor_required")
    return Caller(user, "basic", f"user:{user.pk}")
