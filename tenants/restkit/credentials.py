"""What a request shows to prove who asks: a session, a bearer token, an API key, or HTTP Basic."""

import base64
import binascii
from datetime import datetime

from django.http import HttpRequest

from tenants.errors import Unauthenticated
from tenants.models import User
from tenants.queries import people
from tenants.restkit.access import Caller, address_of
from tenants.roles import Role
from tenants.services import keys, passwords, tokens

MOST = 8192


def caller_of(request: HttpRequest, *, now: datetime) -> Caller | None:
    """None when nothing was shown. Raise `Unauthenticated` or `LockedOut` when what was shown is no good."""
    header = request.headers.get("Authorization", "")
    if not header:
        return from_session(request)
    if len(header) > MOST or "\x00" in header:
        raise Unauthenticated("This credential is not valid.", "invalid_credential")
    scheme, _, value = header.partition(" ")
    match scheme.lower():
        case "bearer":
            return from_bearer(value.strip(), now=now)
        case "basic":
            return from_basic(value.strip(), address=address_of(request))
    raise Unauthenticated("Use “Bearer”, with a token or a key, or “Basic”.", "invalid_credential")


def from_session(request: HttpRequest) -> Caller | None:
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    return Caller(user, "session", f"session:{user.pk}")


def from_bearer(value: str, *, now: datetime) -> Caller:
    """A token or a key."""
    if value.startswith("vf_"):
        return _from_key(value, now=now)
    claims = tokens.read(value)
    sign_in = people.sign_in(claims.sign_in, claims.user_id)
    if sign_in is None:
        raise Unauthenticated("This token is not valid.", "invalid_token")
    return Caller(sign_in.user, "jwt", f"user:{sign_in.user_id}", claims.tenant_id, sign_in=sign_in)


def _from_key(value: str, *, now: datetime) -> Caller:
    key = keys.find(value, now=now)
    return Caller(key.created_by, f"api key {key.name}"[:40], f"key:{key.pk}", key.tenant_id, Role(key.role))


def from_basic(value: str, *, address: str) -> Caller:
    try:
        email, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthenticated("This is not HTTP Basic.", "invalid_credential") from error
    user = passwords.prove(email, password, address=address)
    return Caller(user, "basic", f"user:{user.pk}")
