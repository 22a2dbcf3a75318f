"""Before something dangerous: was it really them, just now?

A person shows it again (password, passkey, single sign-on) when the last time is longer ago than `FRESH`. What is no
person cannot: an API key, and HTTP Basic, which shows its password with each request, pass for an owner's role and for
nobody else's.
"""

from datetime import datetime, timedelta

from tenants.errors import Refused
from tenants.models import SignIn
from tenants.roles import Role

FRESH = timedelta(minutes=15)


class ReauthenticationNeeded(Refused):
    def __init__(self) -> None:
        detail = "Confirm that it is you, then repeat this: sign in again, or open “Confirm that it is you”."
        super().__init__(detail, "reauthentication_required", 403, (), {"url": "/reauthenticate"})


class OwnersOnly(Refused):
    def __init__(self) -> None:
        detail = "This needs a person who is signed in, or the key of an owner."
        super().__init__(detail, "reauthentication_required", 403)


def is_fresh(sign_in: SignIn, *, now: datetime) -> bool:
    return now - sign_in.proven_at <= FRESH


def require(sign_in: SignIn | None, *, now: datetime, role: Role | None = None) -> None:
    """`role`: of the key, where there is no sign-in. Raise `ReauthenticationNeeded` or `OwnersOnly`."""
    if sign_in is None:
        if role is not Role.OWNER:
            raise OwnersOnly
    elif not is_fresh(sign_in, now=now):
        raise ReauthenticationNeeded


def prove(sign_in: SignIn, *, now: datetime, second_factor: bool = False) -> None:
    """They have shown it again."""
    fields: dict[str, datetime] = {"proven_at": now}
    if second_factor:
        fields["second_factor_at"] = now
    SignIn.objects.filter(pk=sign_in.pk, ended_at=None).update(**fields)
    for name, value in fields.items():
        setattr(sign_in, name, value)
