"""Something besides the password: an authenticator app's code (RFC 6238), a recovery code, or a passkey.

A tenant may ask it of its members from a day on (`Tenant.second_factor_from`): until then they are told, from then on
they are let in to set one up and to nothing of the tenant.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
from django.db import transaction
from django.db.models import Count, Q

from tenants import vault
from tenants.actor import Actor
from tenants.errors import Conflict, InvalidField, Refused
from tenants.ids import ALPHABET
from tenants.models import RecoveryCode, SignIn, SignInMethod, Tenant, Totp, User
from tenants.services.mails import people_mail
from tenants.services.signing_in import lockout, reauth, sign_ins
from tenants.services.trail import people_audit

ISSUER = "VeloFlux"
STEP_SECONDS = 30
CODES = 10
CODE_LENGTH = 16  # of 32 letters: 80 bits, so that a plain digest is enough
OTP = re.compile(r"\d{6}")


class SecondFactorRequired(Refused):
    """Of a tenant that asks for one."""

    def __init__(self) -> None:
        detail = "This tenant asks for a second factor: set one up under “Security”, or sign in with yours."
        super().__init__(detail, "second_factor_required", 403, (), {"url": "/security"})


class WrongCode(InvalidField):
    def __init__(self) -> None:
        super().__init__("otp", "This code is wrong, was used already, or has run out.", "wrong_code")


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has."""

    totp: bool
    passkeys: int
    recovery_codes: int  # that are left

    @property
    def any(self) -> bool:
        return self.totp or self.passkeys > 0


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app is told, once."""

    secret: str
    uri: str


def factors(user: User) -> Factors:
    """One query."""
    row = User.objects.filter(pk=user.pk).aggregate(
        totp=Count("totp", filter=Q(totp__confirmed_at__isnull=False), distinct=True),
        passkeys=Count("passkeys", distinct=True),
        codes=Count("recovery_codes", filter=Q(recovery_codes__used_at=None), distinct=True),
    )
    return Factors(bool(row["totp"]), row["passkeys"], row["codes"])


def needed(user: User, tenant: Tenant, sign_in: SignIn | None, *, now: datetime) -> bool:
    """Whether this tenant asks for one that this sign-in has not shown.

    Not of a sign-in by the tenant's own provider: there the provider says what it takes.
    """
    if tenant.second_factor_from is None or tenant.second_factor_from > now:
        return False
    if sign_in is None:
        return True
    if sign_in.method == SignInMethod.SSO and sign_in.tenant_id == tenant.pk:
        return False
    return sign_in.second_factor_at is None


def announced(tenant: Tenant | None, sign_in: SignIn | None) -> datetime | None:
    """From when on this sign-in would not do here."""
    if tenant is None or sign_in is None or sign_in.second_factor_at is not None:
        return None
    by_its_own_provider = sign_in.method == SignInMethod.SSO and sign_in.tenant_id == tenant.pk
    return None if by_its_own_provider else tenant.second_factor_from


def require(user: User, tenant: Tenant, sign_in: SignIn | None, *, is_key: bool, now: datetime) -> None:
    """An API key has no second factor, and is exempt. Raise `SecondFactorRequired`."""
    if not is_key and needed(user, tenant, sign_in, now=now):
        raise SecondFactorRequired


def prove(user: User, given: str, *, now: datetime) -> None:
    """A code of the app, or a recovery code; each is good once. Raise `WrongCode`, or `LockedOut` after too many."""
    lockout.guess(str(user.pk))
    text = re.sub(r"[\s-]", "", given).lower()
    good = _prove_totp(user, text, now=now) if OTP.fullmatch(text) else _prove_recovery(user, text, now=now)
    if not good:
        raise WrongCode
    lockout.guessed(str(user.pk))


@transaction.atomic
def begin_totp(user: User, *, by: Actor, now: datetime) -> Enrolment:
    """A secret that counts for nothing until `confirm_totp`. Raise `Conflict` where there is one in use."""
    if Totp.objects.select_for_update().filter(user=user).exclude(confirmed_at=None).exists():
        raise Conflict("There is an authenticator app already. Remove it first.", "enrolled")
    secret = pyotp.random_base32()
    Totp.objects.update_or_create(
        user=user, defaults={"secret": vault.seal(secret, about=_about(user)), "created_at": now, "last_step": 0}
    )
    people_audit.record("second_factor.begin", user, by=by, now=now, detail="totp")
    return _enrolment(user, secret)


def waiting(user: User) -> Enrolment | None:
    """The one that is being set up."""
    row = Totp.objects.filter(user=user, confirmed_at=None).first()
    return _enrolment(user, vault.unseal(row.secret, about=_about(user))) if row is not None else None


def confirm_totp(user: User, otp: str, *, sign_in: SignIn | None, by: Actor, now: datetime) -> list[str]:
    """It is in use from now on. Answers the recovery codes: shown this once. Raise `WrongCode` or `Conflict`."""
    lockout.guess(str(user.pk))
    row = Totp.objects.filter(user=user).first()
    if row is None or row.confirmed_at is not None:
        raise Conflict("No authenticator app is being set up. Start again.", "not_started")
    step = _step_of(row, re.sub(r"\s", "", otp), now=now)
    if step is None:
        raise WrongCode
    lockout.guessed(str(user.pk))
    with transaction.atomic():
        end_without(user, now=now, but=sign_in)
        Totp.objects.filter(pk=row.pk).update(confirmed_at=now, last_step=step)
        codes = _new_codes(user)
        if sign_in is not None:
            reauth.prove(sign_in, now=now, second_factor=True)
        people_mail.send("second_factor_added", user, now=now, by=by)
        people_audit.record("second_factor.add", user, by=by, now=now, detail="totp")
    return codes


@transaction.atomic
def renew_codes(user: User, *, by: Actor, now: datetime) -> list[str]:
    """Ten new ones; those before are good no more. Raise `Conflict` where there is no second factor to recover."""
    if not factors(user).any:
        raise Conflict("There is no second factor yet: set one up first.", "no_factor")
    codes = _new_codes(user)
    people_audit.record("second_factor.codes", user, by=by, now=now)
    return codes


@transaction.atomic
def remove_totp(user: User, *, by: Actor, now: datetime) -> None:
    """The app, and with the last factor the recovery codes."""
    had = Totp.objects.filter(user=user, confirmed_at__isnull=False).exists()
    Totp.objects.filter(user=user).delete()
    if had:
        removed(user, by=by, now=now, what="totp")


def removed(user: User, *, by: Actor, now: datetime, what: str) -> None:
    """After one has gone. Their other sign-ins stay; what they may do where one is needed ends with the sign-in."""
    if not factors(user).any:
        RecoveryCode.objects.filter(user=user).delete()
        SignIn.objects.filter(user=user, ended_at=None).exclude(method=SignInMethod.SSO).update(second_factor_at=None)
    people_mail.send("second_factor_removed", user, now=now, by=by)
    people_audit.record("second_factor.remove", user, by=by, now=now, detail=what)


def end_without(user: User, *, now: datetime, but: SignIn | None) -> None:
    """When a factor is added: who signed in without one does so again, with it. Else a thief of the password who is in
    would stay, and could take the factor away. (A tenant's own provider says itself what it takes.)"""
    theirs = SignIn.objects.filter(user=user, ended_at=None, second_factor_at=None).exclude(method=SignInMethod.SSO)
    sign_ins.end(theirs.exclude(pk=but.pk if but else None), reason="second_factor_added", now=now)


def ensure_codes(user: User) -> list[str]:
    """For the first factor: codes, where there are none."""
    return [] if RecoveryCode.objects.filter(user=user).exists() else _new_codes(user)


def _prove_totp(user: User, otp: str, *, now: datetime) -> bool:
    row = Totp.objects.filter(user=user, confirmed_at__isnull=False).first()
    step = _step_of(row, otp, now=now) if row is not None else None
    # Of two at once with the same code, one finds an older step there.
    return step is not None and bool(Totp.objects.filter(user=user, last_step__lt=step).update(last_step=step))


def _step_of(row: Totp, otp: str, *, now: datetime) -> int | None:
    """The time step whose code this is: the current one, or one beside it, for clocks that differ."""
    totp = pyotp.TOTP(vault.unseal(row.secret, about=f"totp.secret:{row.user_id}"))
    current = int(now.timestamp()) // STEP_SECONDS
    for step in (current, current - 1, current + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), otp.encode()):
            return step if step > row.last_step else None
    return None


def _prove_recovery(user: User, code: str, *, now: datetime) -> bool:
    unused = RecoveryCode.objects.filter(user=user, digest=_digest(user, code), used_at=None)
    return bool(unused.update(used_at=now))


def _new_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(user, code)) for code in codes)
    return ["-".join(code[at : at + 4] for at in range(0, CODE_LENGTH, 4)) for code in codes]


def _digest(user: User, code: str) -> str:
    return hashlib.sha256(f"{user.pk}:{code}".encode()).hexdigest()


def _enrolment(user: User, secret: str) -> Enrolment:
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER))


def _about(user: User) -> str:
    return f"totp.secret:{user.pk}"
