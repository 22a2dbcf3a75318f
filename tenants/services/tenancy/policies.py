"""What a tenant demands of its people."""

from datetime import datetime

from django.db import transaction

from tenants.actor import Actor
from tenants.models import Tenant
from tenants.scope import platform_scope
from tenants.services.tenancy import steps, tenancy
from tenants.services.trail import audit


@transaction.atomic
def require_second_factor(tenant: Tenant, *, since: datetime | None, by: Actor, now: datetime) -> Tenant:
    """Of every member, from then on; None: of nobody."""
    with platform_scope():
        held = tenancy.hold(tenant.pk)
        before, after = (stamp(held.second_factor_from), stamp(since))
        if before == after:
            return held
        held.second_factor_from = since
        held.save(update_fields=["second_factor_from", "updated_at"])
        steps.forget_tenants()
        audit.record(
            "tenant.second_factor", by=by, now=now, tenant=held, thing=held,
            before={"second_factor_from": before}, after={"second_factor_from": after},
        )  # fmt: skip
    return held


def stamp(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
