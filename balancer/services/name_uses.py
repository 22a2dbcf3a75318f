"""Who goes by which name: noted with the change that brings it, let go of with the deployment that takes it away."""

from collections.abc import Collection
from datetime import datetime

from balancer.fleet.models import Name, NameUse
from balancer.models import Backend
from balancer.queries import names
from tenants import scope


def note(found: Collection[str], *, now: datetime) -> None:
    """In a tenant's scope, inside the change's transaction. A name that nobody has looked up yet is due at once. A new
    use is behind until somebody has looked: what is found out while nobody sees it yet marks it not."""
    if not found:
        return
    tenant_id = scope.required().tenant_id
    Name.objects.bulk_create([Name(name=name, next_at=now) for name in sorted(found)], ignore_conflicts=True)
    uses = [NameUse(tenant_id=tenant_id, name=name, behind=True) for name in sorted(found)]
    NameUse.objects.bulk_create(uses, ignore_conflicts=True)


def settle(tenant_id: str, state: str, *, now: datetime) -> None:
    """In the tenant's scope. `state`: what is deployed everywhere from now on, as JSON."""
    deployed = names.said_in(state)
    note(deployed, now=now)
    held = set(NameUse.objects.filter(tenant=tenant_id).values_list("name", flat=True))
    if held - deployed:
        wanted = set(Backend.objects.filter(host__in=held - deployed).values_list("host", flat=True))
        NameUse.objects.filter(tenant=tenant_id, name__in=held - deployed - wanted).delete()
