"""Between the first factor and the second: a signed word that the first was shown, good for five minutes.

It names the person, the tenant that was asked for, and a mark of the password, so that a new password ends it. Used
twice it is harmless: it opens nothing without a code, and a code is good once.
"""

from django.core import signing

from tenants.errors import Unauthenticated
from tenants.models import User
from tenants.queries import people

SALT = "veloflux.second-step"
SECONDS = 300


def ticket(user: User, *, tenant: str | None = None) -> str:
    return signing.dumps([str(user.pk), tenant, _mark(user)], salt=SALT)


def redeem(text: str) -> tuple[User, str | None]:
    """Raise `Unauthenticated`."""
    try:
        user_id, tenant, mark = signing.loads(text, salt=SALT, max_age=SECONDS)
    except signing.BadSignature as error:
        raise _too_late() from error
    user = people.user(user_id)
    if user is None or _mark(user) != mark:
        raise _too_late()
    return user, tenant


def _mark(user: User) -> str:
    return str(user.get_session_auth_hash())[:16]


def _too_late() -> Unauthenticated:
    return Unauthenticated("It took too long. Sign in again.", "mfa_expired")
