"""Offer a place in a tenant by mail. The link is good once, for `LIFETIME`, for whoever reads that address."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from tenants.actor import Actor
from tenants.errors import Conflict, NotFound, Refused
from tenants.models import Invitation, Membership, Tenant, TenantStatus, User
from tenants.queries import people
from tenants.roles import Role, Verb, rights
from tenants.scope import platform_scope
from tenants.services.mails import mail
from tenants.services.people import accounts
from tenants.services.signing_in import sign_ins
from tenants.services.tenancy import limits, members, tenancy
from tenants.services.trail import audit

LIFETIME = timedelta(days=7)


class NotValid(Refused):
    """The same whether it never was, was used, was revoked or has expired."""

    def __init__(self) -> None:
        super().__init__(
            "This invitation is not valid any more: it was used, withdrawn or has expired. "
            "Ask whoever invited you for a new one.",
            "invalid_invitation",
            404,
        )


class SignInFirst(Refused):
    def __init__(self) -> None:
        super().__init__(
            "There is an account for this address. Sign in with it, then open the link again.", "sign_in_first", 401
        )


class ForSomebodyElse(Refused):
    def __init__(self) -> None:
        super().__init__(
            "This invitation was sent to another address than yours. Sign in as the person it was sent to.",
            "other_address",
            403,
        )


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Of one who has no account yet; the address is the invitation's."""

    password: str
    first_name: str = ""
    last_name: str = ""


@transaction.atomic
def invite(tenant: Tenant, *, email: str, role: Role, language: str, by: Actor, now: datetime) -> Invitation:
    """The mail speaks `language`, the inviter's. Raise `AboveYou`, `Conflict` or `LimitReached`."""
    email = email.strip().lower()
    members.refuse_above(role, by, "You cannot give rights that you do not hold.", "/role")
    with platform_scope():
        held = tenancy.hold(tenant.pk)
        if Membership.objects.filter(tenant=held, user__email=email).exists():
            raise Conflict(f"{email} is a member already.", "member", "/email")
        earlier = Invitation.objects.filter(tenant=held, email=email, accepted_at=None, revoked_at=None).first()
        if earlier is not None and earlier.expires_at > now:
            raise Conflict(f"{email} is invited already. Send that invitation again instead.", "invited", "/email")
        if earlier is not None:
            Invitation.objects.filter(pk=earlier.pk).update(revoked_at=now)
        limits.room_for_a_member(held, now=now)
        secret = secrets.token_urlsafe(32)
        made = Invitation.objects.create(
            tenant=held, email=email, role=role, digest=sign_ins.digest(secret), invited_by_id=by.user_id,
            created_at=now, expires_at=now + LIFETIME,
        )  # fmt: skip
        _send(made, secret, language=language, by=by)
        after = {"email": email, "role": role.value}
        audit.record("invitation.create", by=by, now=now, tenant=held, thing=made, name=email, after=after)
    return made


@transaction.atomic
def resend(invitation: Invitation, *, language: str, by: Actor, now: datetime) -> Invitation:
    """A new link for another `LIFETIME`; the old one is good no more. Who sends it again vouches for it from now on."""
    with platform_scope():
        tenant = tenancy.hold(invitation.tenant_id)
        held = _open(invitation)
        members.refuse_above(Role(held.role), by, "You cannot give rights that you do not hold.", "/role")
        if held.expires_at <= now:  # its place was free meanwhile
            limits.room_for_a_member(tenant, now=now)
        secret = secrets.token_urlsafe(32)
        held.digest, held.expires_at, held.invited_by_id = sign_ins.digest(secret), now + LIFETIME, by.user_id
        held.save(update_fields=["digest", "expires_at", "invited_by"])
        _send(held, secret, language=language, by=by)
        audit.record("invitation.resend", by=by, now=now, tenant=tenant, thing=held, name=held.email)
    return held


@transaction.atomic
def revoke(invitation: Invitation, *, by: Actor, now: datetime) -> None:
    with platform_scope():
        tenant = tenancy.hold(invitation.tenant_id)
        held = _open(invitation)
        held.revoked_at = now
        held.save(update_fields=["revoked_at"])
        audit.record("invitation.revoke", by=by, now=now, tenant=tenant, thing=held, name=held.email)


def find(secret: str, *, now: datetime) -> Invitation:
    """With its tenant, for the page behind the link. Raise `NotValid`."""
    with platform_scope():
        found = Invitation.objects.select_related("tenant").filter(digest=sign_ins.digest(secret)).first()
    if found is None or found.accepted_at or found.revoked_at or found.expires_at <= now:
        raise NotValid
    if found.tenant.status == TenantStatus.DELETED or not _may_be_given(found):
        raise NotValid
    return found


def _may_be_given(invitation: Invitation) -> bool:
    """Whether its sender could still give that much: who was removed, suspended or is less by now gives less."""
    sender = people.user(invitation.invited_by_id) if invitation.invited_by_id else None
    if sender is None:
        return False
    with platform_scope():
        place = people.membership(sender.pk, invitation.tenant_id)
    held = rights(Role(place.role) if place else None, is_staff=sender.is_staff)
    return Verb.MEMBERS in held and rights(Role(invitation.role), is_staff=False) <= held


def has_account(invitation: Invitation) -> bool:
    with platform_scope():
        return people.by_email(invitation.email) is not None


@transaction.atomic
def accept(secret: str, *, who: User | NewPerson | None, through: str, now: datetime, address: str = "") -> Membership:
    """As the person who is signed in, or as a new one: the link proves the address.

    Raise `NotValid`, `SignInFirst`, `ForSomebodyElse`, `LimitReached`, or what `accounts.create_user` refuses.
    """
    with platform_scope():
        tenancy.hold(find(secret, now=now).tenant_id)
        invitation = find(secret, now=now)
        user = _person(invitation, who, now=now)
        by = Actor(user.pk, through=through, address=address, name=user.email)
        made = members.join(invitation.tenant, user, Role(invitation.role), by=by, now=now, offered=1)
        invitation.accepted_at, invitation.accepted_by = now, user
        invitation.save(update_fields=["accepted_at", "accepted_by"])
        if user.email_verified_at is None:
            user.email_verified_at = now
            user.save(update_fields=["email_verified_at"])
    return made


def _person(invitation: Invitation, who: User | NewPerson | None, *, now: datetime) -> User:
    if isinstance(who, User):
        if who.email != invitation.email:
            raise ForSomebodyElse
        return who
    if has_account(invitation) or who is None:
        raise SignInFirst
    new = accounts.NewAccount(
        email=invitation.email,
        password=who.password,
        tenant_name="",
        first_name=who.first_name,
        last_name=who.last_name,
    )
    return accounts.create_user(new, now=now)


def _open(invitation: Invitation) -> Invitation:
    held = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None).first()
    if held is None:
        raise NotFound("This invitation is no longer open.")
    return held


def _send(invitation: Invitation, secret: str, *, language: str, by: Actor) -> None:
    mail.send(
        "invitation",
        to=invitation.email,
        language=language,
        context={
            "tenant": invitation.tenant.name,
            "inviter": by.name,
            "role": invitation.role,
            "url": f"{settings.BASE_URL}/invite/{secret}",
            "days": LIFETIME.days,
        },
        tenant=invitation.tenant,
    )
