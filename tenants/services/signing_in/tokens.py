"""Access tokens: JWT, HS256 and nothing else, a quarter of an hour, for one audience and at most one tenant."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from django.conf import settings

from tenants import keyring
from tenants.errors import Unauthenticated

ALGORITHM = "HS256"
ISSUER = "veloflux"
AUDIENCE = "veloflux-api"
REQUIRED = ["iss", "aud", "exp", "nbf", "iat", "jti", "sub", "sid"]
SKEW = timedelta(seconds=10)  # how far two nodes' clocks may be apart


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: uuid.UUID
    tenant_id: str | None
    jti: str
    sign_in: str
    expires_at: datetime


def lifetime() -> timedelta:
    return timedelta(seconds=settings.ACCESS_TOKEN_SECONDS)


def issue(user_id: uuid.UUID, tenant_id: str | None, *, sign_in: str, now: datetime) -> tuple[str, datetime]:
    """The token, and when it ends. It is good as long as its sign-in is."""
    expires = now + lifetime()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "sid": sign_in,
        "tenant": tenant_id,
        "iat": now,
        "nbf": now,
        "exp": expires,
        "jti": uuid.uuid4().hex,
    }
    kid, key = keyring.current()
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid}), expires


def read(token: str) -> Claims:
    """Raise `Unauthenticated`, which says whether it was the time: a client then refreshes."""
    try:
        claims = jwt.decode(
            token,
            _key(token),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=SKEW,
            options={"require": REQUIRED},
        )
        tenant = claims.get("tenant")
        if tenant is not None and not isinstance(tenant, str):
            raise Unauthenticated("This token is not valid.", "invalid_token")
        expires = datetime.fromtimestamp(claims["exp"], UTC)
        return Claims(uuid.UUID(claims["sub"]), tenant, str(claims["jti"]), str(claims["sid"]), expires)
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("This token has expired: refresh it.", "token_expired") from error
    except (jwt.PyJWTError, ValueError, OverflowError) as error:
        raise Unauthenticated("This token is not valid.", "invalid_token") from error


def _key(token: str) -> str:
    """The one that the token's header names. The header proves nothing: it only says which signature to expect."""
    key = keyring.by_id(str(jwt.get_unverified_header(token).get("kid", "")))
    if key is None:
        raise Unauthenticated("This token is not valid.", "invalid_token")
    return key
