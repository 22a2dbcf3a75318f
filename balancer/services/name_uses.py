"""Who goes by which name: noted with the change that brings it, let go of with the deployment that takes it away."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from balancer.fleet.models import Name, NameUse
from balancer.models import Backend
from tenants import scope


def note(names: Collection[str], *, now: datetime) -> None:
    """In a tenant's scope, inside the change's transaction. A name that nobody has looked up yet is due at once. A new
    use is behind until somebody has looked: what is found out while nobody sees it yet marks it not."""
    if not names:
        return
    tenant_id = scope.required().tenant_id
    Name.objects.bulk_create([Name(name=name, next_at=now) for name in sorted(names)], ignore_conflicts=True)
    uses = [NameUse(tenant_id=tenant_id, name=name, behind=True) for name in sorted(names)]
    NameUse.objects.bulk_create(uses, ignore_conflicts=True)


def settle(tenant_id: str, state: Mapping[str, Any], *, now: datetime) -> None:
    """In the tenant's scope. `state`: what is deployed everywhere from now on."""
    deployed = names_of(state)
    note(deployed, now=now)
    held = set(NameUse.objects.filter(tenant=tenant_id).values_list("name", flat=True))
    if held - deployed:
        wanted = set(Backend.objects.filter(host__in=held - deployed).values_list("host", flat=True))
        NameUse.objects.filter(tenant=tenant_id, name__in=held - deployed - wanted).delete()


def names_of(state: Mapping[str, Any]) -> set[str]:
    """Of a revision's state, as it is kept."""
    return {server["name"] for pool in state.get("pools", ()) for server in pool["servers"] if server.get("name")}
