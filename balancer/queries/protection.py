"""What a tenant has set for its clients and its answers, and what of it holds under its plan. In the tenant's scope."""

from dataclasses import asdict, dataclass
from typing import Any

from balancer.fleet.models import JOINED, Node, Placement
from balancer.haproxy import protection as desired
from balancer.haproxy.render import client_limit
from balancer.models import RateLimit, SecurityHeaders
from billing.queries.limits import Limits
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Effective:
    """Of each client address on each node; None is without a limit of its own."""

    requests_per_second: int | None
    burst: int | None


def rate_limit() -> RateLimit:
    """What is set, or the row that says that nothing is."""
    return RateLimit.objects.first() or RateLimit()


def security_headers() -> SecurityHeaders:
    return SecurityHeaders.objects.first() or SecurityHeaders()


def effective(row: RateLimit, plan: Limits) -> Effective:
    """As HAProxy has it: a plan that became smaller than what was set bounds it, and nothing that is set is lost."""
    rules = clients(row, plan)
    if not rules.rps:
        return Effective(None, None)
    rps, burst, _ = client_limit(rules).split("/")
    return Effective(int(rps), int(burst))


def clients(row: RateLimit, plan: Limits) -> desired.ClientRules:
    rps = least(row.requests_per_second, plan.requests_per_second) if row.requests_per_second else 0
    return desired.ClientRules(
        rps=rps,
        burst=least(row.burst or rps, plan.burst) if rps else 0,
        status=row.status,
        allowed=tuple(row.allowed_networks),
        proxies=tuple(row.trusted_proxies),
    )


def least(wanted: int, most: int | None) -> int:
    return wanted if most is None else min(wanted, most)


def headers(row: SecurityHeaders) -> desired.SecurityHeaders:
    return desired.SecurityHeaders(
        desired.Hsts(row.hsts),
        desired.ContentTypeOptions(row.content_type_options),
        desired.FrameOptions(row.frame_options),
        desired.ReferrerPolicy(row.referrer_policy),
        desired.PermissionsPolicy(row.permissions_policy),
    )


def nodes(tenant: Tenant) -> int:
    """How many nodes count by themselves."""
    placed = Placement.objects.filter(tenant=tenant).values("cluster_id")
    return Node.objects.filter(JOINED, cluster_id__in=placed).count()


def shown(tenant: Tenant, plan: Limits) -> dict[str, Any]:
    """What holds at this moment, for the tenant's configuration."""
    limit, dressed = rate_limit(), security_headers()
    return {
        "rate_limit": {
            "per_address": {**asdict(effective(limit, plan)), "status": limit.status},
            "allowed_networks": limit.allowed_networks,
            "trusted_proxies": limit.trusted_proxies,
            "counted": counted(tenant),
        },
        "security_headers": {name: getattr(dressed, name) for name in dressed.said},
    }


def counted(tenant: Tenant) -> dict[str, Any]:
    """Each node counts by itself: an address that reaches all of them may ask as often on each."""
    return {"per": "node", "nodes": nodes(tenant)}
