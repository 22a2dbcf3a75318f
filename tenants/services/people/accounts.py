"""Sign up, sign in, sign out."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from tenants.errors import Conflict, NotFound, Refused, Unauthenticated
from tenants.models import OneTimeKind, Tenant, User
from tenants.queries import directory, people
from tenants.services.mails import people_mail
from tenants.services.signing_in import one_time, passwords, second_factor, second_step, sign_ins
from tenants.services.signing_in.sign_ins import From, SignedIn
from tenants.services.tenancy import tenancy
from tenants.services.trail import people_audit


@dataclass(frozen=True, slots=True)
class NewAccount:
    email: str
    password: str
    tenant_name: str
    first_name: str = ""
    last_name: str = ""
    plan: str = "free"


class SignUpClosed(Refused):
    def __init__(self) -> None:
        super().__init__("Sign-up is closed here. Ask for an invitation.", "sign_up_closed", 403)


class EmailNotVerified(Refused):
    """Said only to one who holds the passkey: a password proves nothing about an address that anybody registered."""

    def __init__(self) -> None:
        detail = "Confirm your e-mail address first: open the link in the mail that we have sent you."
        super().__init__(detail, "email_not_verified", 403)


class SecondFactorAsked(Unauthenticated):
    """The password was right. `ticket` stands for that, for five minutes (`/api/auth/mfa/verify`)."""

    def __init__(self, ticket: str) -> None:
        super().__init__("Send the code of your second factor as “otp”.", "otp_required")
        self.extra = {"mfa_token": ticket}


def sign_up(new: NewAccount, *, language: str, source: From, now: datetime) -> tuple[User, Tenant] | None:
    """Where addresses have to be proven: None, the same for one that has an account, and as slow; the mail says which.

    Raise `SignUpClosed`, `Refused`, and only where addresses need no proof `Conflict`.
    """
    if not settings.VERIFY_EMAIL:
        user, tenant = register(new, language=language, source=source, now=now)
        return user, tenant
    known = people.by_email(new.email)
    if known is None:
        try:
            register(new, language=language, source=source, now=now)
        except Conflict as conflict:
            if conflict.code != "taken":
                raise
            known = people.by_email(new.email)
    else:
        _go_through_the_motions(new, now=now)
    if known is not None and known.is_active:
        with transaction.atomic():
            people_mail.send("account_exists", known, now=now, path="/login")
            people_audit.record("account.register_again", known, by=source.actor(), now=now)
    return None


def register(new: NewAccount, *, now: datetime, language: str = "", source: From | None = None) -> tuple[User, Tenant]:
    """The person, and a tenant that they own; both or neither. Without `source` nobody is sent a mail."""
    if not settings.SIGN_UP_OPEN and source is not None:
        raise SignUpClosed
    with transaction.atomic():
        user = create_user(new, language=language, now=now)
        tenant = tenancy.create(name=new.tenant_name, plan=new.plan, owner=user, now=now)
        if source is not None:
            ask_to_verify(user, now=now)
            people_audit.record("account.register", user, by=source.actor(user), now=now, tenant=tenant)
    return user, tenant


def _go_through_the_motions(new: NewAccount, *, now: datetime) -> None:
    """What `register` does and refuses, for an address that is taken: under another one, and undone."""
    if not settings.SIGN_UP_OPEN:
        raise SignUpClosed
    passwords.check(new.password, _person(new, now=now))
    with transaction.atomic():
        nobody = create_user(replace(new, email=f"{uuid.uuid4().hex}@nobody.invalid"), now=now)
        tenancy.create(name=new.tenant_name, plan=new.plan, owner=nobody, now=now)
        transaction.set_rollback(True)


def create_user(new: NewAccount, *, now: datetime, language: str = "") -> User:
    """Raise `Refused` for a weak password, `Conflict` for an e-mail that has an account."""
    user = _person(new, now=now)
    user.language = language
    passwords.check(new.password, user)
    user.set_password(new.password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("This e-mail has an account. Sign in instead.", "taken", "/email") from error
    return user


def _person(new: NewAccount, *, now: datetime) -> User:
    return User(email=new.email.lower(), first_name=new.first_name, last_name=new.last_name, created_at=now)


def make_staff(user: User, *, now: datetime) -> None:
    """Of the platform, with every right; the address needs no further proof."""
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True, email_verified_at=now)


def ask_to_verify(user: User, *, now: datetime) -> None:
    """By mail, unless they were mailed enough of late."""
    secret = one_time.issue(user, OneTimeKind.VERIFY_EMAIL, email=user.email, now=now)
    if secret is not None:
        people_mail.send("verify_email", user, now=now, path=f"/verify/{secret}")


def prove(email: str, password: str, *, source: From, now: datetime) -> User:
    """The first factor, and an address that is theirs. Raise `WrongCredentials` or `LockedOut`."""
    return passwords.prove(email, password, source=source, now=now, at_door=True)


def refuse_unverified(user: User, *, now: datetime) -> None:
    """Mail the link again, and raise `EmailNotVerified`."""
    if passwords.is_unproven(user):
        with transaction.atomic():
            ask_to_verify(user, now=now)
        raise EmailNotVerified


def sign_in(email: str, password: str, *, tenant: str | None, otp: str | None, source: From, now: datetime) -> SignedIn:
    """For tokens. `tenant` by slug or id; a person's only one need not be named.

    Raise `SecondFactorAsked` where there is one and `otp` is none.
    """
    user = prove(email, password, source=source, now=now)
    if not second_factor.factors(user).any:
        return for_tenant(user, tenant, source=source, now=now)
    if otp is None:
        raise SecondFactorAsked(second_step.ticket(user, tenant=tenant))
    return _with_code(user, otp, tenant=tenant, source=source, now=now)


def sign_in_with_code(ticket: str, otp: str, *, source: From, now: datetime) -> SignedIn:
    """The second step. Raise `Unauthenticated` for a ticket that is none or too old."""
    user, tenant = second_step.redeem(ticket)
    return _with_code(user, otp, tenant=tenant, source=source, now=now)


def _with_code(user: User, otp: str, *, tenant: str | None, source: From, now: datetime) -> SignedIn:
    prove_second(user, otp, source=source, now=now)
    return for_tenant(user, tenant, source=replace(source, second_factor=True), now=now)


def prove_second(user: User, otp: str, *, source: From, now: datetime) -> None:
    """Raise `WrongCode` or `LockedOut`; either is in the audit trail."""
    try:
        second_factor.prove(user, otp, now=now)
    except Refused as refused:
        note_refusal(user, refused, source=source, now=now)
        raise


def note_refusal(user: User | None, refused: Refused, *, source: From, now: datetime) -> None:
    """A second factor, or a passkey of nobody knows whom."""
    email, by = user.email if user else "", source.actor(user)
    people_audit.refused("sign_in.second_factor", email, by=by, now=now, detail=refused.code)


def for_tenant(user: User, named: str | None, *, source: From, now: datetime) -> SignedIn:
    """Raise `NotFound` for a tenant that is none of theirs."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(last_login=now)
        tenant, membership = None, None
        if named is None:
            membership = people.only_membership(user.pk)
            tenant = membership.tenant if membership else None
        else:
            tenant = directory.by_name(named)
            membership = people.membership(user.pk, tenant.pk) if tenant else None
            if tenant is None or (membership is None and not user.is_staff):
                raise NotFound
        signed_in = sign_ins.start(user, tenant, membership, source=source, now=now)
        people_audit.record("sign_in.token", user, by=source.actor(user), now=now, tenant=tenant)
    return signed_in
