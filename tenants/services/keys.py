"""API keys: `vf_<prefix>_<secret>`, shown once, kept as a digest."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from tenants.actor import Actor
from tenants.errors import Forbidden, InvalidField, NotFound, Unauthenticated
from tenants.ids import new_id
from tenants.models import ApiKey, Tenant
from tenants.roles import Role, rights

SEEN_EVERY = timedelta(minutes=1)  # how exact `last_used_at` is


def create(
    tenant: Tenant,
    *,
    name: str,
    role: Role,
    expires_at: datetime | None,
    by: Actor,
    now: datetime,
) -> tuple[ApiKey, str]:
    """The row and the whole key. It can hold no right that its maker lacks."""
    if not rights(role, is_staff=False) <= rights(by.role, is_staff=by.is_staff):
        raise InvalidField("role", "A key cannot hold more rights than you do.", "too_much")
    if expires_at is not None and expires_at <= now:
        raise InvalidField("expires_at", "This lies in the past.")
    if by.user_id is None:
        raise Forbidden("edit", ["people"])
    prefix, secret = new_id(), secrets.token_urlsafe(32)
    whole = f"vf_{prefix}_{secret}"
    key = ApiKey.objects.create(
        tenant=tenant,
        created_by_id=by.user_id,
        name=name,
        role=role,
        prefix=prefix,
        digest=_digest(whole),
        created_at=now,
        expires_at=expires_at,
    )
    return key, whole


def revoke(key: ApiKey, *, now: datetime) -> None:
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
        raise NotFound


def find(whole: str, *, now: datetime) -> ApiKey:
    """With its maker. Raise `Unauthenticated`, the same for every reason."""
    prefix = whole.split("_", 2)[1] if whole.count("_") >= 2 else ""
    key = ApiKey.objects.select_related("created_by").filter(prefix=prefix).first() if prefix.isalnum() else None
    good = hmac.compare_digest(_digest(whole), key.digest if key else "-" * 64)
    if key is None or not good or key.revoked_at or (key.expires_at and key.expires_at <= now):
        raise Unauthenticated("This key is not valid.", "invalid_key")
    if not key.created_by.is_active:
        raise Unauthenticated("This key is not valid.", "invalid_key")
    if key.last_used_at is None or now - key.last_used_at > SEEN_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def _digest(whole: str) -> str:
    """Plain sha256 is enough: the secret has 256 bits of its own."""
    return hashlib.sha256(whole.encode()).hexdigest()
