"""A tenant's configuration leaves the house: whoever takes it along is written down."""

from datetime import datetime
from typing import Any

from django.db import transaction

from balancer.queries import export
from tenants.actor import Actor
from tenants.models import Tenant
from tenants.services.trail import audit


@transaction.atomic
def take(tenant: Tenant, *, by: Actor, now: datetime) -> dict[str, Any]:
    """In the tenant's scope."""
    document = export.of(tenant)
    audit.record("tenant.export", by=by, now=now, tenant=tenant, name=tenant.name)
    return document
