"""Passkeys (WebAuthn): a second factor after the password, or both factors at once when the device asked who it is.

A ceremony is two requests: `…_options` makes a challenge, which the browser's session keeps, and the answer is checked
against it. `Site` is the console as this browser knows it; what was signed for another one is refused.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tenants.actor import Actor
from tenants.errors import InvalidField, NotFound, Refused
from tenants.models import Passkey, SignIn, User
from tenants.services.mails import people_mail
from tenants.services.signing_in import reauth, second_factor
from tenants.services.trail import people_audit

MOST = 20
NAME = "VeloFlux"


class NotAccepted(Refused):
    def __init__(self) -> None:
        super().__init__("This passkey was not accepted. Try again, or sign in another way.", "passkey_refused", 422)


@dataclass(frozen=True, slots=True)
class Site:
    """`domain` without port; `origin` as the browser writes it."""

    domain: str
    origin: str


@dataclass(frozen=True, slots=True)
class Asked:
    """`options` is JSON for the browser; `challenge` is for the session."""

    options: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Proven:
    """`verified`: the device asked for a finger, a face or a PIN, so that it is two factors."""

    user: User
    verified: bool


def registration_options(user: User, site: Site) -> Asked:
    """Raise `Refused` when they have enough of them."""
    theirs = list(Passkey.objects.filter(user=user))
    if len(theirs) >= MOST:
        raise Refused(f"You have {MOST} passkeys. Remove one first.", "too_many", 422)
    options = generate_registration_options(
        rp_id=site.domain,
        rp_name=NAME,
        user_id=user.pk.bytes,
        user_name=user.email,
        user_display_name=f"{user.first_name} {user.last_name}".strip() or user.email,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=[_descriptor(passkey) for passkey in theirs],
    )
    return Asked(options_to_json(options), bytes_to_base64url(options.challenge))


def register(
    user: User,
    answer: dict[str, Any],
    *,
    challenge: str,
    site: Site,
    name: str,
    sign_in: SignIn | None,
    by: Actor,
    now: datetime,
) -> list[str]:
    """Keep it. Answers recovery codes where it is the first factor: shown this once. Raise `NotAccepted`."""
    try:
        seen = verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.domain,
            expected_origin=site.origin,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotAccepted from error
    said = answer.get("response")
    transports = said.get("transports") if isinstance(said, dict) else None
    try:
        with transaction.atomic():
            second_factor.end_without(user, now=now, but=sign_in)
            passkey = Passkey.objects.create(
                user=user,
                name=name[:80] or "Passkey",
                credential_id=bytes_to_base64url(seen.credential_id),
                public_key=seen.credential_public_key,
                sign_count=seen.sign_count,
                transports=[str(one)[:20] for one in transports[:8]] if isinstance(transports, list) else [],
                created_at=now,
            )
            codes = second_factor.ensure_codes(user)
            if sign_in is not None:
                reauth.prove(sign_in, now=now, second_factor=True)
            people_mail.send("second_factor_added", user, now=now, by=by)
            people_audit.record("passkey.add", user, by=by, now=now, after={"passkey": passkey.name})
    except IntegrityError as error:
        raise InvalidField("name", "This passkey is registered already.", "taken") from error
    return codes


def authentication_options(site: Site, user: User | None = None) -> Asked:
    """Without `user`: whichever the browser offers, which must then know who holds it."""
    options = generate_authentication_options(
        rp_id=site.domain,
        allow_credentials=[_descriptor(passkey) for passkey in Passkey.objects.filter(user=user)] if user else None,
        user_verification=UserVerificationRequirement.PREFERRED if user else UserVerificationRequirement.REQUIRED,
    )
    return Asked(options_to_json(options), bytes_to_base64url(options.challenge))


def prove(answer: dict[str, Any], *, challenge: str, site: Site, user: User | None, now: datetime) -> Proven:
    """`user`: whose it must be; without one it has to be verified by the device. Raise `NotAccepted`."""
    passkey = Passkey.objects.select_related("user").filter(credential_id=str(answer.get("id", ""))[:1400]).first()
    if passkey is None or not passkey.user.is_active or (user is not None and passkey.user_id != user.pk):
        raise NotAccepted
    try:
        seen = verify_authentication_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.domain,
            expected_origin=site.origin,
            credential_public_key=bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=user is None,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise NotAccepted from error
    handle = answer.get("response", {}).get("userHandle")
    if user is None and (not handle or not _is_of(passkey.user, str(handle))):
        raise NotAccepted
    Passkey.objects.filter(pk=passkey.pk).update(sign_count=seen.new_sign_count, last_used_at=now)
    return Proven(passkey.user, seen.user_verified)


@transaction.atomic
def remove(user: User, passkey_id: str, *, by: Actor, now: datetime) -> None:
    """Raise `NotFound`."""
    passkey = Passkey.objects.filter(user=user, pk=passkey_id).first()
    if passkey is None:
        raise NotFound
    passkey.delete()
    second_factor.removed(user, by=by, now=now, what=f"passkey {passkey.name}")


def parsed(body: bytes) -> dict[str, Any]:
    """What a browser sent. Raise `NotAccepted`."""
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise NotAccepted from error
    if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
        raise NotAccepted
    return answer


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential_id))


def _is_of(user: User, handle: str) -> bool:
    try:
        return UUID(bytes=base64url_to_bytes(handle)) == user.pk
    except ValueError:
        return False
