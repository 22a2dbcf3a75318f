"""Access tokens: JWT, HS256 and nothing else, fifteen minutes, for one audience and at most one tenant."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from django.conf import settings

from tenants.errors import Unauthenticated

LIFETIME = timedelta(minutes=15)
ALGORITHM = "HS256"
ISSUER = "veloflux"
AUDIENCE = "veloflux-api"
REQUIRED = ["iss", "aud", "exp", "nbf", "iat", "jti", "sub", "sid"]


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: uuid.UUID
    tenant_id: str | None
    jti: str
    sign_in: str


def issue(user_id: uuid.UUID, tenant_id: str | None, *, sign_in: str, now: datetime) -> tuple[str, datetime]:
    """The token, and when it ends. It is good as long as its sign-in is."""
    expires = now + LIFETIME
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
    return jwt.encode(claims, settings.JWT_KEY, algorithm=ALGORITHM), expires


def read(token: str) -> Claims:
    """Raise `Unauthenticated`, which says whether it was the time: a client then refreshes."""
    try:
        claims = jwt.decode(
            token,
            settings.JWT_KEY,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": REQUIRED},
        )
        tenant = claims.get("tenant")
        if tenant is not None and not isinstance(tenant, str):
            raise Unauthenticated("This token is not valid.", "invalid_token")
        return Claims(uuid.UUID(claims["sub"]), tenant, str(claims["jti"]), str(claims["sid"]))
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("This token has expired: refresh it.", "token_expired") from error
    except (jwt.PyJWTError, ValueError) as error:
        raise Unauthenticated("This token is not valid.", "invalid_token") from error
