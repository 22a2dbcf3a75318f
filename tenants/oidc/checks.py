"""What must be true of a token's claims (OpenID Connect Core 3.1.3.7, Back-Channel Logout 1.0 section 2.6). Pure."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tenants.oidc.trouble import Part, ProviderTrouble

SKEW = timedelta(seconds=60)
OLDEST = timedelta(minutes=10)
LOGOUT_OLDEST = timedelta(minutes=5)
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
MOST_SUBJECT = 255
LATEST = 1e11  # seconds since 1970
HASHES = {"RS256": hashlib.sha256, "ES256": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Expected:
    """`proven_since`: the person must have shown who they are after it, not only have been remembered."""

    issuer: str
    client_id: str
    now: datetime
    nonce: str = ""
    proven_since: datetime | None = None


def id_token(claims: Mapping[str, Any], expected: Expected) -> None:
    """Raise `ProviderTrouble` naming the claim."""
    _whose(claims, expected, Part.IDENTITY)
    _times(claims, expected.now, Part.IDENTITY, oldest=OLDEST)
    subject(claims, Part.IDENTITY)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise _trouble(Part.IDENTITY, "Its nonce is not the one of this sign-in.")
    if expected.proven_since is not None:
        proven = _time(claims, "auth_time", Part.IDENTITY)
        if proven < (expected.proven_since - SKEW).timestamp():
            raise _trouble(Part.IDENTITY, "The provider was asked to have the person sign in anew, and did not.")


def access_token_hash(claims: Mapping[str, Any], access_token: str, algorithm: str) -> None:
    """`at_hash` is optional; where it is, it must fit (3.1.3.8)."""
    stated = claims.get("at_hash")
    if stated is None:
        return
    half = HASHES[algorithm](access_token.encode()).digest()[:16]
    own = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    if not isinstance(stated, str) or not hmac.compare_digest(stated.encode(), own.encode()):
        raise _trouble(Part.IDENTITY, "Its at_hash does not fit the access token.")


def logout_token(claims: Mapping[str, Any], expected: Expected) -> None:
    """Raise `ProviderTrouble`. That its `jti` comes once is for the caller."""
    part = Part.LOGOUT
    _whose(claims, expected, part)
    _times(claims, expected.now, part, oldest=LOGOUT_OLDEST, needs_end=False)
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(LOGOUT_EVENT), Mapping):
        raise _trouble(part, "It does not hold the event of a back-channel logout.")
    if "nonce" in claims:
        raise _trouble(part, "It has a nonce, as only an ID token may.")
    if not _text(claims, "sub") and not _text(claims, "sid"):
        raise _trouble(part, "It names neither a subject nor a session.")
    if not _text(claims, "jti"):
        raise _trouble(part, "It has no jti.")


def subject(claims: Mapping[str, Any], part: Part) -> str:
    found = claims.get("sub")
    if not isinstance(found, str) or not found or len(found) > MOST_SUBJECT or not found.isprintable():
        raise _trouble(part, "Its subject is missing, or is not one line of at most 255 characters.")
    return found


def same_subject(id_claims: Mapping[str, Any], userinfo: Mapping[str, Any]) -> None:
    """Without it, one person's answer could be put under another's name (Core 5.3.2)."""
    if userinfo.get("sub") != id_claims.get("sub"):
        raise _trouble(Part.USERINFO, "It speaks of another subject than the ID token.")


def _whose(claims: Mapping[str, Any], expected: Expected, part: Part) -> None:
    if claims.get("iss") != expected.issuer:
        raise _trouble(part, f"Its issuer is {str(claims.get('iss'))[:200]!r}, not {expected.issuer!r}.")
    listed = claims.get("aud")
    audience = [listed] if isinstance(listed, str) else listed
    if not isinstance(audience, list) or expected.client_id not in audience:
        raise _trouble(part, "It is meant for another client.")
    party = claims.get("azp")
    if (len(audience) > 1 or party is not None) and party != expected.client_id:
        raise _trouble(part, "It was issued to another client (azp).")


def _times(claims: Mapping[str, Any], now: datetime, part: Part, *, oldest: timedelta, needs_end: bool = True) -> None:
    if (needs_end or "exp" in claims) and _time(claims, "exp", part) <= (now - SKEW).timestamp():
        raise _trouble(part, "It has expired. Is the provider's clock right?")
    issued = _time(claims, "iat", part)
    if issued > (now + SKEW).timestamp():
        raise _trouble(part, "It was issued in the future. Is the provider's clock right?")
    if issued < (now - oldest - SKEW).timestamp():
        raise _trouble(part, "It was issued too long ago.")
    if "nbf" in claims and _time(claims, "nbf", part) > (now + SKEW).timestamp():
        raise _trouble(part, "It is not valid yet.")


def _time(claims: Mapping[str, Any], name: str, part: Part) -> float:
    found = claims.get(name)
    # JSON as Python reads it has NaN and Infinity, and neither is before or after anything.
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < LATEST:
        raise _trouble(part, f"Its {name} is missing.")
    return float(found)


def _text(claims: Mapping[str, Any], name: str) -> str:
    found = claims.get(name)
    return found if isinstance(found, str) else ""


def _trouble(part: Part, sentence: str) -> ProviderTrouble:
    return ProviderTrouble(part, sentence)
