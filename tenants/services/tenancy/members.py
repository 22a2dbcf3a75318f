"""Who belongs to a tenant, and as what. Every change holds the tenant, so that two at once cannot leave it ownerless.

Nobody gives a role with rights that he lacks, nor changes anything about somebody who holds such rights.
"""

from datetime import datetime

from django.db import transaction

from tenants.actor import Actor
from tenants.errors import Conflict, FieldError, NotFound, Refused
from tenants.models import ApiKey, Membership, SignIn, Tenant, User
from tenants.roles import Role, rights
from tenants.scope import platform_scope
from tenants.services.signing_in import sign_ins
from tenants.services.tenancy import limits, tenancy
from tenants.services.trail import audit


class AboveYou(Refused):
    def __init__(self, detail: str, pointer: str = "") -> None:
        errors = (FieldError(pointer, "too_much", detail),) if pointer else ()
        super().__init__(detail, "above_you", 403, errors, {"needed": "own"})


class LastOwner(Conflict):
    def __init__(self) -> None:
        super().__init__(
            "A tenant needs an owner who can sign in, and this is the last one. Make somebody else an owner first.",
            "last_owner",
        )


@transaction.atomic
def join(tenant: Tenant, user: User, role: Role, *, by: Actor, now: datetime, offered: int = 0) -> Membership:
    """Raise `Conflict` for one who is there, `LimitReached` when the plan's places are taken.

    `offered` is 1 for an invitation, whose place is counted already. What `by` may give is the caller's to check
    (`refuse_above`): a provider's groups and an invitation act for somebody who was checked before.
    """
    with platform_scope():
        held = tenancy.hold(tenant.pk)
        if Membership.objects.filter(tenant=held, user=user).exists():
            raise Conflict(f"{user} is a member already.", "member")
        limits.room_for_a_member(held, now=now, offered=offered)
        made = Membership.objects.create(tenant=held, user=user, role=role, created_at=now)
        audit.record("member.join", by=by, now=now, tenant=held, thing=made, name=user.email, after={"role": role})
    return made


@transaction.atomic
def change_role(membership: Membership, role: Role, *, by: Actor, now: datetime) -> Membership:
    """Raise `AboveYou` or `LastOwner`."""
    held = _held(membership)
    refuse_above(Role(held.role), by, f"{held.user} holds rights that you do not: ask an owner.")
    refuse_above(role, by, "You cannot give rights that you do not hold.", "/role")
    if held.role == role:
        return held
    if held.role == Role.OWNER:
        _refuse_last_owner(held)
    before, held.role = {"role": held.role}, role
    return _saved(held, "member.role", by=by, now=now, before=before, after={"role": role.value})


@transaction.atomic
def suspend(membership: Membership, *, by: Actor, now: datetime) -> Membership:
    """Keeps the place, and may not use it: signed out of the tenant, keys of theirs stand still. Not oneself."""
    held = _held(membership)
    refuse_above(Role(held.role), by, f"{held.user} holds rights that you do not: ask an owner.")
    if held.suspended_at is not None:
        return held
    if held.user_id == by.user_id:
        raise Conflict("You cannot suspend yourself.", "yourself")
    _refuse_last_owner(held)
    held.suspended_at = now
    _end_here(held, reason="suspended", now=now)
    return _saved(held, "member.suspend", by=by, now=now, before={"status": "active"}, after={"status": "suspended"})


@transaction.atomic
def resume(membership: Membership, *, by: Actor, now: datetime) -> Membership:
    held = _held(membership)
    refuse_above(Role(held.role), by, f"{held.user} holds rights that you do not: ask an owner.")
    if held.suspended_at is None:
        return held
    held.suspended_at = None
    return _saved(held, "member.resume", by=by, now=now, before={"status": "suspended"}, after={"status": "active"})


@transaction.atomic
def remove(membership: Membership, *, by: Actor, now: datetime) -> None:
    """Signed out of the tenant, their keys in it revoked, open sockets closed within seconds. Oneself too: leaving."""
    held = _held(membership)
    if held.user_id != by.user_id:
        refuse_above(Role(held.role), by, f"{held.user} holds rights that you do not: ask an owner.")
    _refuse_last_owner(held)
    with platform_scope():
        _end_here(held, reason="removed", now=now)
        keys = ApiKey.objects.filter(tenant=held.tenant, created_by=held.user, revoked_at=None).update(revoked_at=now)
        gone, before = held.pk, {"role": held.role}
        held.delete()
        held.pk = gone
        act = "member.leave" if held.user_id == by.user_id else "member.remove"
        detail = f"{keys} keys revoked" if keys else ""
        audit.record(
            act, by=by, now=now, tenant=held.tenant_id, thing=held, name=held.user.email, before=before, detail=detail
        )


def refuse_above(role: Role, by: Actor, sentence: str, pointer: str = "") -> None:
    """Raise `AboveYou` where the role holds a right that the actor lacks."""
    if not rights(role, is_staff=False) <= rights(by.role, is_staff=by.is_staff):
        raise AboveYou(sentence, pointer)


def _held(membership: Membership) -> Membership:
    """Under the tenant's lock, read again. Raise `NotFound`."""
    with platform_scope():
        tenancy.hold(membership.tenant_id)
        held = Membership.objects.select_related("user", "tenant").filter(pk=membership.pk).first()
    if held is None:
        raise NotFound("This person is no longer a member.")
    return held


def _refuse_last_owner(held: Membership) -> None:
    if held.role != Role.OWNER or held.suspended_at is not None:
        return
    with platform_scope():
        others = Membership.objects.filter(tenant=held.tenant_id, role=Role.OWNER, suspended_at=None)
        if not others.filter(user__is_active=True).exclude(pk=held.pk).exists():
            raise LastOwner


def _end_here(held: Membership, *, reason: str, now: datetime) -> None:
    """What is bound to this tenant; a browser's session is the person's, and finds the tenant gone."""
    with platform_scope():
        bound = SignIn.objects.filter(user=held.user_id, tenant=held.tenant_id, ended_at=None)
        sign_ins.end(bound, reason=reason, now=now)


def _saved(
    held: Membership, act: str, *, by: Actor, now: datetime, before: dict[str, str], after: dict[str, str]
) -> Membership:
    with platform_scope():
        held.save(update_fields=["role", "suspended_at"])
        audit.record(
            act, by=by, now=now, tenant=held.tenant, thing=held, name=held.user.email, before=before, after=after
        )
    return held
