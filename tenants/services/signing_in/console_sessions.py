"""A browser's sign-in: Django's session with a `SignIn` beside it. Without a live one, a session is nobody's.

It ends after `SESSION_IDLE_SECONDS` without a request and in any case after `SESSION_MOST_SECONDS`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, login, logout
from django.http import HttpRequest
from django.utils import timezone

from tenants import vault
from tenants.models import SignIn, SignInKind, SignInMethod, Tenant, User
from tenants.services.signing_in import sign_ins
from tenants.services.signing_in.sign_ins import From
from tenants.services.trail import people_audit
from tenants.visitors import address_of, agent_of, request_id


@dataclass(frozen=True, slots=True)
class Sso:
    """What the provider said: who it is there, its session, and the token that a sign-out hands back."""

    issuer: str
    subject: str
    session: str = ""
    id_token: str = ""


def begin(
    request: HttpRequest,
    user: User,
    *,
    method: SignInMethod,
    second_factor: bool = False,
    tenant: Tenant | None = None,
    sso: Sso | None = None,
) -> SignIn:
    """Sign this browser in. Its session gets a new key: what was put into it before was somebody else's word."""
    finish(request)
    login(request, user)  # cycles the key, and the CSRF token's
    source = From(address_of(request), agent_of(request), method, second_factor, request_id())
    sign_in = sign_ins.start_console(
        user, str(request.session.session_key), source=source, now=timezone.now(), tenant=tenant
    )
    if sso is not None:
        keep_sso(sign_in, sso)
    people_audit.record("sign_in.console", user, by=source.actor(user), now=sign_in.created_at, tenant=tenant)
    request.session.sign_in = sign_in  # type: ignore[attr-defined]
    return sign_in


def keep(request: HttpRequest, user: User) -> None:
    """After a new password, which ends the others: this browser stays, under another key."""
    sign_in = of(request)
    request.session.cycle_key()
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    if sign_in is not None:
        sign_in.session_key = str(request.session.session_key)
        sign_in.save(update_fields=["session_key"])
        request.session.sign_in = sign_in  # type: ignore[attr-defined]


def finish(request: HttpRequest) -> None:
    """Sign out: the session goes with everything in it."""
    current = of(request)
    if current is not None:
        now = timezone.now()
        sign_ins.end([current], reason="signed_out", now=now)
        by = From(address_of(request), method=SignInMethod(current.method), request_id=request_id()).actor(current.user)
        people_audit.record("sign_in.end", current.user, by=by, now=now, tenant=current.tenant)
    logout(request)


def of(request: HttpRequest) -> SignIn | None:
    """What this browser's session is, where it is a live one's."""
    request.session.get("_auth_user_id")  # it is read when it is first asked something
    found = getattr(request.session, "sign_in", None)
    return found if isinstance(found, SignIn) else None


def is_idle(sign_in: SignIn, *, now: datetime) -> bool:
    """A browser's; a chain of tokens ends by itself."""
    if sign_in.kind != SignInKind.CONSOLE:
        return False
    return now - sign_in.last_seen_at > timedelta(seconds=settings.SESSION_IDLE_SECONDS)


def keep_sso(sign_in: SignIn, sso: Sso) -> None:
    sign_in.sso_issuer, sign_in.sso_subject, sign_in.sso_session = sso.issuer, sso.subject, sso.session
    sign_in.id_token = vault.seal(sso.id_token, about=id_token_of(sign_in))
    sign_in.save(update_fields=["sso_issuer", "sso_subject", "sso_session", "id_token"])


def id_token_of(sign_in: SignIn) -> str:
    """What its seal says it is about."""
    return f"sign_in.id_token:{sign_in.pk}"
