"""Staff who look into a tenant leave a line in its audit trail."""

import hashlib
from datetime import datetime

from django.core.cache import cache

from tenants.actor import Actor
from tenants.models import Tenant
from tenants.queries import people
from tenants.services.trail import audit

SECONDS = 600  # a page that asks every second is one access


def note(what: str, *, by: Actor, tenant: Tenant, now: datetime) -> None:
    """`what` is method and path: each thing that was looked at, once in ten minutes. A tenant's own member is none."""
    if by.user_id is None:
        return
    text = f"{by.user_id}|{by.through}|{tenant.pk}|{what}"
    key = f"staff-access:{hashlib.sha256(text.encode()).hexdigest()}"
    if cache.get(key):
        return
    if people.membership(by.user_id, tenant.pk) is None:
        audit.record("staff.access", by=by, now=now, tenant=tenant, name=what)
    cache.set(key, 1, SECONDS)
