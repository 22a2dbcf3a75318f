"""What lies in tenants, for staff: the counts that apps above keep, asked through the settings."""

from typing import Any, Protocol, cast

from django.conf import settings
from django.db.models import Count
from django.utils.module_loading import import_string

from tenants.models import Membership, Tenant


class Stats(Protocol):
    """`settings.TENANT_STATS`: tenant's id → name → how many, for all of them at once. In the platform's scope."""

    def __call__(self, tenants: list[Tenant]) -> dict[str, dict[str, Any]]: ...


def of(tenants: list[Tenant]) -> dict[str, dict[str, Any]]:
    """Tenant's id → plan, members, pools, backends, routes, hosts. A fixed number of queries."""
    found = cast(Stats, import_string(settings.TENANT_STATS))(tenants)
    places = Membership.objects.filter(tenant__in=tenants).order_by().values("tenant").annotate(n=Count("pk"))
    members = dict(places.values_list("tenant", "n"))
    return {pk: {**counts, "members": members.get(pk, 0)} for pk, counts in found.items()}
