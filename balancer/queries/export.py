"""A tenant's configuration as one document, to take along: no secret in it, and the same text for the same rows."""

from typing import Any

from django.db.models import Model

from balancer.fleet.models import DomainProof
from balancer.models import Backend, Pool, Route
from balancer.queries import protection
from billing.queries import limits
from tenants.models import Membership, Tenant

FORMAT = "veloflux-tenant/1"
NOT_TAKEN = frozenset({"id", "created_at", "updated_at", "moves", "pool_id"})
# What a check sends to prove itself to an origin is a secret, whatever it is called.
HIDDEN = "••••"


def of(tenant: Tenant) -> dict[str, Any]:
    """In the tenant's scope. Eight queries."""
    backends = list(Backend.objects.order_by("pool_id", "created_at", "id"))
    pools = list(Pool.objects.order_by("name", "id"))
    names = {pool.pk: pool.name for pool in pools}
    return {
        "format": FORMAT,
        "tenant": {"slug": tenant.slug, "name": tenant.name, "plan": limits.of(tenant.pk).plan},
        "pools": [
            {**_pool(pool), "backends": [_row(backend) for backend in backends if backend.pool_id == pool.pk]}
            for pool in pools
        ],
        "routes": [
            {**_row(route), "pool": names[route.pool_id] if route.pool_id else None}
            for route in Route.objects.order_by("host", "path_prefix")
        ],
        "rate_limit": _row(protection.rate_limit()),
        "security_headers": _row(protection.security_headers()),
        "domains": list(DomainProof.objects.filter(tenant=tenant).order_by("domain").values_list("domain", flat=True)),
        "members": [
            {"email": member.user.email, "role": member.role}
            for member in Membership.objects.filter(tenant=tenant).select_related("user").order_by("user__email")
        ],
    }


def _pool(pool: Pool) -> dict[str, Any]:
    return {**_row(pool), "check_headers": dict.fromkeys(pool.check_headers, HIDDEN)}


def _row(row: Model) -> dict[str, Any]:
    fields = [field.attname for field in row._meta.concrete_fields if field.attname not in NOT_TAKEN]
    return {name: getattr(row, name) for name in fields}
