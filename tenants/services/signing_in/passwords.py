"""Prove who someone is by e-mail and password: one answer, and one duration, for every way of being wrong. And set
passwords."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction

from tenants.actor import Actor
from tenants.errors import FieldError, InvalidField, Refused, Unauthenticated
from tenants.models import OneTimeKind, SignIn, User
from tenants.queries import people
from tenants.services.mails import people_mail
from tenants.services.signing_in import lockout, one_time, sign_ins
from tenants.services.signing_in.sign_ins import From
from tenants.services.trail import people_audit

MOST = 1024  # argon2 over a megabyte of "password" is somebody's attack


class WrongCredentials(Unauthenticated):
    """Of an address that has to be proven and is not, too: who registers an address with a password of their own, and
    then signs in with it, would else be told whether it was taken."""

    def __init__(self, *, at_door: bool) -> None:
        detail = "E-mail or password is wrong."
        if at_door and settings.VERIFY_EMAIL:
            detail = (
                "E-mail or password is wrong, or the address is not confirmed yet. Open the link in our mail, or let "
                "“Forgot your password?” send you a new one."
            )
        super().__init__(detail, "wrong_credentials")


def prove(email: str, password: str, *, source: From, now: datetime, at_door: bool = False) -> User:
    """`at_door`: they come in by it, so the address must be theirs too. Else they are in, and show it again.

    Raise `WrongCredentials`, or `LockedOut` after too many.
    """
    try:
        lockout.attempt(email, source.address)
    except lockout.LockedOut as locked:
        people_audit.refused("sign_in.password", email, by=source.actor(), now=now, detail=locked.code)
        raise
    user = people.by_email(email) if "\x00" not in email else None
    if user is None or not user.has_usable_password():
        make_password(password[:MOST])  # the time that a real check takes
    good = user is not None and len(password) <= MOST and user.has_usable_password() and user.check_password(password)
    if user is None or not good or not user.is_active or (at_door and is_unproven(user)):
        people_audit.refused("sign_in.password", email, by=source.actor(), now=now, detail="wrong_credentials")
        raise WrongCredentials(at_door=at_door)
    lockout.succeeded(email, source.address)
    return user


def is_unproven(user: User) -> bool:
    """Whether the address has yet to be shown to be theirs, where that is asked for."""
    return settings.VERIFY_EMAIL and user.email_verified_at is None


def check(password: str, user: User) -> None:
    """Raise `Refused` for one that is too weak for them."""
    if len(password) > MOST:
        raise InvalidField("password", "Use 1024 characters at most.", "too_long")
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        errors = tuple(FieldError("/password", one.code or "weak", str(one.messages[0])) for one in error.error_list)
        raise Refused(" ".join(error.messages), "weak_password", 422, errors) from error


def prove_again(user: User, password: str, *, field: str, source: From, now: datetime) -> None:
    """Of somebody who is in: there is no e-mail to be wrong. Raise `InvalidField`, `LockedOut`."""
    try:
        prove(user.email, password, source=source, now=now)
    except Unauthenticated as error:
        raise InvalidField(field, "This is not your password.", "wrong") from error


def change(user: User, *, current: str, new: str, keep: SignIn | None, source: From, by: Actor, now: datetime) -> None:
    """Every other sign-in of theirs ends. Raise `InvalidField`, `LockedOut`, or `Refused` for a weak one."""
    if not user.has_usable_password():
        sentence = "You have no password yet: ask for one by “Forgot your password?”, which mails you a link."
        raise InvalidField("current_password", sentence, "none")
    prove_again(user, current, field="current_password", source=source, now=now)
    check(new, user)
    with transaction.atomic():
        _set(user, new, now=now)
        sign_ins.end_all(user, reason="password_changed", now=now, but=keep.pk if keep else None)
        people_mail.send("password_changed", user, now=now, by=by)
        people_audit.record("password.change", user, by=by, now=now)


def forgot(email: str, *, address: str, now: datetime) -> None:
    """Mail a link to whoever has an account. For a task: the page that asks must not take longer for one who has."""
    user = people.by_email(email) if "\x00" not in email else None
    if user is None or not user.is_active:
        return
    with transaction.atomic():
        secret = one_time.issue(user, OneTimeKind.RESET_PASSWORD, email=user.email, now=now)
        if secret is None:
            return
        people_mail.send("reset_password", user, now=now, path=f"/reset/{secret}")
        by = Actor(None, through="mail", address=address, name=user.email)
        people_audit.record("password.forgot", user, by=by, now=now)


@transaction.atomic
def reset(secret: str, new: str, *, source: From, now: datetime) -> User:
    """By the link of a mail, which proves the address as well. Every sign-in of theirs ends.

    Raise `one_time.NotValid`, or `Refused` for a weak one: then the link is still good.
    """
    user = one_time.find(secret, OneTimeKind.RESET_PASSWORD, now=now).user
    check(new, user)
    token = one_time.spend(secret, OneTimeKind.RESET_PASSWORD, now=now)
    if token.email != user.email:
        raise one_time.NotValid
    one_time.cancel(user, OneTimeKind.RESET_PASSWORD, OneTimeKind.CHANGE_EMAIL, now=now)
    _set(user, new, now=now)
    User.objects.filter(pk=user.pk, email_verified_at=None).update(email_verified_at=now)
    sign_ins.end_all(user, reason="password_reset", now=now)
    lockout.succeeded(user.email, source.address)
    people_mail.send("password_changed", user, now=now, by=source.actor(user))
    people_audit.record("password.reset", user, by=source.actor(user), now=now)
    return user


def _set(user: User, new: str, *, now: datetime) -> None:
    user.set_password(new)
    user.password_changed_at = now
    user.save(update_fields=["password", "password_changed_at"])
