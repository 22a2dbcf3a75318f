"""What a person may say about himself, and the address that he is reached at."""

from datetime import datetime

from django.db import IntegrityError, transaction

from tenants.actor import Actor
from tenants.errors import Conflict, InvalidField
from tenants.models import OneTimeKind, User
from tenants.queries import people
from tenants.services.mails import people_mail
from tenants.services.signing_in import one_time, sign_ins
from tenants.services.signing_in.sign_ins import From
from tenants.services.trail import people_audit

FIELDS = ("first_name", "last_name", "language", "theme")


def update(user: User, *, first_name: str, last_name: str, language: str, theme: str) -> User:
    user.first_name, user.last_name, user.language, user.theme = first_name, last_name, language, theme
    user.save(update_fields=FIELDS)
    return user


def change(user: User, *, by: Actor, now: datetime, **fields: str) -> User:
    """`update`, in the audit trail."""
    with transaction.atomic():
        before = {name: getattr(user, name) for name in FIELDS}
        changed = update(user, **fields)
        if any(before[name] != getattr(changed, name) for name in FIELDS):
            after = {name: getattr(changed, name) for name in FIELDS}
            people_audit.record("profile.update", user, by=by, now=now, before=before, after=after)
    return changed


@transaction.atomic
def ask_for_email(user: User, email: str, *, by: Actor, now: datetime) -> None:
    """A link to the new address, and word of it to the old one. Nothing changes until the link is opened.

    The same answer for an address that has an account: its owner is told, the one who asks is not.
    """
    email = email.strip().lower()
    if email == user.email:
        raise InvalidField("email", "This is your address already.", "same")
    holder = people.by_email(email)
    secret = one_time.issue(user, OneTimeKind.CHANGE_EMAIL, email=email, now=now)
    if secret is None:
        return
    if holder is None:
        people_mail.send("change_email", user, now=now, path=f"/verify/{secret}", to=email, new=email)
    else:
        people_mail.send("account_exists", holder, now=now, path="/login")
    people_mail.send("change_email_asked", user, now=now, by=by, new=email)
    people_audit.record("email.ask", user, by=by, now=now, after={"email": email})


@transaction.atomic
def verify(secret: str, *, source: From, now: datetime) -> User:
    """By the link of a mail: the address is theirs, a new one as well as the first. Raise `NotValid` or `Conflict`."""
    token = one_time.spend(secret, OneTimeKind.VERIFY_EMAIL, OneTimeKind.CHANGE_EMAIL, now=now)
    user = token.user
    if token.kind == OneTimeKind.CHANGE_EMAIL:
        _move(user, token.email, source=source, now=now)
    elif token.email != user.email:
        raise one_time.NotValid
    elif User.objects.filter(pk=user.pk, email_verified_at=None).update(email_verified_at=now):
        one_time.cancel(user, OneTimeKind.VERIFY_EMAIL, now=now)
        people_mail.send("welcome", user, now=now)
        people_audit.record("email.verify", user, by=source.actor(user), now=now)
    return user


def _move(user: User, email: str, *, source: From, now: datetime) -> None:
    """Links that were mailed to the old address are good no more, and no sign-in is left."""
    before = user.email
    user.email, user.email_verified_at = email, now
    try:
        with transaction.atomic():
            user.save(update_fields=["email", "email_verified_at"])
    except IntegrityError as error:
        raise Conflict("This address has an account by now.", "taken", "/email") from error
    one_time.cancel(user, *OneTimeKind, now=now)
    sign_ins.end_all(user, reason="email_changed", now=now)
    people_mail.send("email_changed", user, now=now, to=before, new=email)
    people_audit.record(
        "email.change", user, by=source.actor(user), now=now, before={"email": before}, after={"email": email}
    )
