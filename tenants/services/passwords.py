"""Prove who someone is by e-mail and password: one answer, and one duration, for every way of being wrong."""

from django.contrib.auth.hashers import make_password

from tenants.errors import Unauthenticated
from tenants.models import User
from tenants.queries import people
from tenants.services import lockout

MOST = 1024  # argon2 over a megabyte of "password" is somebody's attack


def prove(email: str, password: str, *, address: str) -> User:
    """Raise `Unauthenticated`, or `LockedOut` after too many."""
    lockout.attempt(email, address)
    user = people.by_email(email) if "\x00" not in email else None
    if user is None:
        make_password(password[:MOST])  # the time that a real check takes
    if user is None or len(password) > MOST or not user.check_password(password) or not user.is_active:
        raise Unauthenticated("E-mail or password is wrong.", "wrong_credentials")
    lockout.succeeded(email, address)
    return user
