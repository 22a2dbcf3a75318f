"""Decide which cluster serves a tenant."""

from balancer.fleet.models import Placement
from balancer.queries import places
from tenants.errors import Refused
from tenants.models import Tenant


class NoPlace(Refused):
    def __init__(self) -> None:
        detail = "New tenants cannot be taken in at the moment. Nothing was made; try again later."
        super().__init__(detail, "no_place", 503, (), {"retry_after": 300})


def place(tenant: Tenant) -> Placement:
    """On the default cluster, or another that is open while that one is not. A step of a tenant's making
    (`settings.TENANT_PROVISION_STEPS`), in its transaction. Raise `NoPlace`."""
    there = Placement.objects.filter(tenant=tenant).first()
    if there is not None:
        return there
    cluster = places.open_clusters().first()
    if cluster is None:
        raise NoPlace
    return Placement.objects.create(tenant=tenant, cluster=cluster)
