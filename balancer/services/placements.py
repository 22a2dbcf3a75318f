"""Decide which cluster serves a tenant."""

from balancer.fleet.models import Cluster, Placement
from tenants.models import Tenant


def place(tenant: Tenant) -> Placement:
    """On the default cluster. A step of a tenant's making (`settings.TENANT_PROVISION_STEPS`), in its transaction."""
    placement, _ = Placement.objects.get_or_create(
        tenant=tenant, defaults={"cluster": Cluster.objects.get(is_default=True)}
    )
    return placement
