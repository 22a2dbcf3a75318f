"""Sign-ins under way: each has its own state, nonce and verifier, is good once and for ten minutes, in one browser.

Kept in Redis under the digest of the state, with the digest of a secret that only the browser has (a cookie for each
attempt): several tabs at once do not overwrite each other, as they would in one session (mozilla-django-oidc #435).
"""

import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from django.core.cache import cache

from tenants.errors import Refused

SECONDS = 600


class Purpose(StrEnum):
    SIGN_IN = "sign_in"
    SILENT = "silent"  # without a word to the person, while the provider still knows them
    FRESH = "fresh"  # prove it anew, before something dangerous
    LINK = "link"  # of a person who is signed in, to their account


@dataclass(frozen=True, slots=True)
class Attempt:
    """`user_id`: who asked to be linked. `started_at`: epoch seconds."""

    tenant_id: str
    purpose: str
    nonce: str
    verifier: str
    next: str
    started_at: float
    user_id: str = ""


class AttemptGone(Refused):
    """Unknown, used, too old, or begun in another browser: one answer for all."""

    def __init__(self) -> None:
        super().__init__("This sign-in was used already, or took too long. Start it again.", "attempt_gone", 400)


def keep(state: str, attempt: Attempt) -> str:
    """The secret for this browser's cookie."""
    browser = secrets.token_urlsafe(32)
    cache.set(_key(state), {**asdict(attempt), "browser": _digest(browser)}, SECONDS)
    return browser


def take(state: str, browser: str, *, now: datetime) -> Attempt:
    """Raise `AttemptGone`. Of two that show it at once, one gets it; another browser does not even use it up."""
    kept = cache.get(_key(state))
    if kept is None or not browser:
        raise AttemptGone
    expected = kept.pop("browser")
    if not hmac.compare_digest(expected, _digest(browser)) or not cache.delete(_key(state)):
        raise AttemptGone
    attempt = Attempt(**kept)
    if now.timestamp() - attempt.started_at > SECONDS:
        raise AttemptGone
    return attempt


def once(tenant_id: str, issuer: str, jti: str, *, seconds: int) -> bool:
    """Whether this id was not seen before, of a token that is good for `seconds`."""
    return bool(cache.add(f"sso:jti:{_digest('|'.join((tenant_id, issuer, jti)))}", 1, seconds))


def _key(state: str) -> str:
    return f"sso:attempt:{_digest(state)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
