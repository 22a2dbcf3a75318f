"""What a tenant may have, what it has, what it can do, and what it has set: as its plan says at this moment."""

from datetime import datetime
from typing import Any

from balancer.fleet.models import DomainProof
from balancer.models import Backend, Listener, Pool, Route
from balancer.queries import protection
from billing.queries import limits
from tenants.models import Tenant
from tenants.services.tenancy.limits import seats_used


def of(tenant: Tenant, *, now: datetime) -> dict[str, Any]:
    """In the tenant's scope. A null limit is none."""
    plan = limits.of(tenant.pk)
    return {
        "tenant": tenant.pk,
        "plan": plan.plan,
        "limits": {
            "routes": plan.routes,
            "backends": plan.backends,
            "listeners": plan.listeners,
            "caches": plan.caches,
            "members": plan.members,
            "requests_per_second": plan.requests_per_second,
            "burst": plan.burst,
            "daily_traffic": plan.daily_traffic,
            "retention_days": plan.retention_days,
        },
        "used": used(tenant, now=now),
        "features": {"waf": plan.waf, "dedicated_cluster": plan.dedicated, "single_sign_on": True, "own_mail": True},
        "traffic": protection.shown(tenant, plan),
        "settings": {"second_factor_from": tenant.second_factor_from},
    }


def used(tenant: Tenant, *, now: datetime) -> dict[str, int]:
    """`settings.TENANT_USED`. In the tenant's scope."""
    return {
        "members": seats_used(tenant, now=now),
        "routes": Route.objects.count(),
        "backends": Backend.objects.count(),
        "listeners": Listener.objects.count(),
        "caches": Route.objects.filter(cache__isnull=False).count(),
        "pools": Pool.objects.count(),
        "domains": DomainProof.objects.filter(tenant=tenant).exclude(verified_at=None).count(),
    }
