"""API keys: `vf_<prefix>_<secret>`, shown once, kept as a digest."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from tenants.actor import Actor
from tenants.errors import Forbidden, InvalidField, NotFound, Unauthenticated
from tenants.ids import new_id
from tenants.models import ApiKey, Tenant
from tenants.roles import ALLOWED, Role, Verb, rights
from tenants.services.trail import audit

SEEN_EVERY = timedelta(minutes=1)  # how exact `last_used_at` is


def create(
    tenant: Tenant,
    *,
    name: str,
    role: Role,
    expires_at: datetime | None,
    by: Actor,
    now: datetime,
    scopes: Sequence[Verb] = (),
    holds: frozenset[Verb] | None = None,
) -> tuple[ApiKey, str]:
    """The row and the whole key. It can hold no right that its maker lacks (`holds`: what he has, where that is less
    than his role), and at most `scopes` of what its role allows; none: all of it."""
    mine = rights(by.role, is_staff=by.is_staff) if holds is None else holds
    if by.user_id is None:
        raise Forbidden("edit", ["people"])
    if not held(role, scopes) <= mine:
        raise InvalidField("role", "A key cannot hold more rights than you do.", "too_much")
    if scopes and not held(role, scopes) >= set(scopes):
        beyond = ", ".join(sorted(set(scopes) - held(role, scopes)))
        raise InvalidField("scopes", f"The role {role.value} does not have {beyond}.", "not_in_role")
    if expires_at is not None and expires_at <= now:
        raise InvalidField("expires_at", "This lies in the past.")
    prefix, secret = new_id(), secrets.token_urlsafe(32)
    whole = f"vf_{prefix}_{secret}"
    with transaction.atomic():
        key = ApiKey.objects.create(
            tenant=tenant,
            created_by_id=by.user_id,
            name=name,
            role=role,
            scopes=sorted({verb.value for verb in scopes}),
            prefix=prefix,
            digest=_digest(whole),
            created_at=now,
            expires_at=expires_at,
        )
        audit.record("key.create", by=by, now=now, tenant=tenant, thing=key, after=_shown(key))
    return key, whole


def held(role: Role, scopes: Iterable[str]) -> frozenset[Verb]:
    """What a key may, before its maker's own role is looked at."""
    chosen = frozenset(scopes)
    return frozenset(verb for verb in ALLOWED[role] if not chosen or verb in chosen)


@transaction.atomic
def revoke(key: ApiKey, *, by: Actor, now: datetime) -> None:
    """At once, and for good. Raise `NotFound` for one that is revoked already."""
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
        raise NotFound
    audit.record("key.revoke", by=by, now=now, tenant=key.tenant_id, thing=key)


def find(whole: str, *, now: datetime, address: str = "") -> ApiKey:
    """With its maker. Raise `Unauthenticated`, the same for every reason."""
    prefix = whole.split("_", 2)[1] if whole.count("_") >= 2 else ""
    key = ApiKey.objects.select_related("created_by").filter(prefix=prefix).first() if prefix.isalnum() else None
    good = hmac.compare_digest(_digest(whole), key.digest if key else "-" * 64)
    if key is None or not good or key.revoked_at or (key.expires_at and key.expires_at <= now):
        raise Unauthenticated("This key is not valid.", "invalid_key")
    if not key.created_by.is_active:
        raise Unauthenticated("This key is not valid.", "invalid_key")
    if key.last_used_at is None or now - key.last_used_at > SEEN_EVERY:
        # Of many at once, one writes.
        long_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - SEEN_EVERY)
        ApiKey.objects.filter(long_ago, pk=key.pk).update(last_used_at=now, last_used_from=address or None)
    return key


def _shown(key: ApiKey) -> dict[str, object]:
    ends = key.expires_at.isoformat() if key.expires_at else None
    return {"name": key.name, "role": str(key.role), "scopes": key.scopes, "expires_at": ends}


def _digest(whole: str) -> str:
    """Plain sha256 is enough: the secret has 256 bits of its own."""
    return hashlib.sha256(whole.encode()).hexdigest()
