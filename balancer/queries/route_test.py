"""Which route a request would get, from what is configured now: the compiled values that nodes are told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from balancer.fleet.models import HostClaim
from balancer.haproxy.desired import AdminState
from balancer.haproxy.explain import Asked, Explained, Verdict, entries_for, explain
from balancer.models import Backend
from balancer.queries import backend_status, desired_state
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Tested:
    route: str | None
    pool: str | None
    pools: list[dict[str, Any]]
    backends: list[dict[str, Any]]
    verdict: str
    status: int | None
    why: str
    tried: list[dict[str, str]]
    limit: dict[str, int] | None
    cache: dict[str, Any] | None


def ask(tenant: Tenant, asked: Asked, *, now: datetime) -> Tested:
    """In the tenant's scope."""
    state = desired_state.of(tenant)
    told = explain(state, asked)
    pools = {key[1:]: weight for key, weight in (told.pools or {}).items()}
    only = next(iter(pools)) if len(pools) == 1 else None
    return Tested(
        route=told.route.key[1:] if told.route else None,
        pool=only,
        pools=[{"pool": pool, "weight": weight} for pool, weight in pools.items()],
        backends=eligible(tenant, list(pools), now=now),
        verdict=told.verdict.value,
        status=told.status,
        why=why(told, asked),
        tried=[{"route": one.route[1:], "because": one.because} for one in told.tried],
        limit={"requests_per_second": state.rps, "burst": state.burst or state.rps} if state.rps else None,
        cache={"ttl_ms": told.cache.ttl_s * 1000, "because": told.cache.because} if told.cache else None,
    )


def maps(tenant: Tenant, asked: Asked) -> dict[str, dict[str, str]]:
    """In the tenant's scope: what the nodes' maps shall hold for this host, by the map's name."""
    found = entries_for(desired_state.of(tenant), asked)
    return {name.removeprefix("maps/").removesuffix(".map"): entries for name, entries in found.items()}


def owner_of(host: str) -> Tenant | None:
    """Whose it is, for staff; a wildcard stands for the names right below it."""
    host = host.partition(":")[0].rstrip(".").lower()
    _label, _dot, rest = host.partition(".")
    claims = HostClaim.objects.filter(host__in=[host, f"*.{rest}"]).select_related("tenant").order_by("-host")
    return next((claim.tenant for claim in claims), None)


def eligible(tenant: Tenant, pools: list[str], *, now: datetime) -> list[dict[str, Any]]:
    """Those that a request may be sent to, as far as desired; beside it what is observed."""
    rows = list(
        Backend.objects.filter(pool__in=pools, admin=AdminState.READY.value, weight__gt=0).order_by("pool_id", "pk")
    )
    seen = backend_status.of(tenant.pk, rows, now=now)
    return [
        {
            "id": row.pk,
            "pool": row.pool_id,
            "address": row.address,
            "weight": row.weight,
            "oper": seen[row.pk].status.oper.value,
        }
        for row in rows
    ]


def why(told: Explained, asked: Asked) -> str:
    if told.status == 421:
        return f"No enabled route is for the host {asked.host}: it is answered 421."
    if told.verdict is Verdict.BLOCKED:
        return "The tenant is suspended: every request is answered 503."
    if told.route is None:
        return f"{told.site} has {len(told.tried)} routes, and none takes this request: it is answered 404."
    route = told.route
    first = f"{route.host}{route.path_prefix}"
    passed = [one for one in told.tried if one.because]
    after = f", after {len(passed)} that did not fit" if passed else ""
    has = f"{first} is the first route that takes it{after}"
    if told.verdict is Verdict.REDIRECT:
        return f"{has}: it is redirected, {told.status}."
    if told.verdict is Verdict.RESPOND:
        return f"{has}: it is answered here, {told.status}."
    if told.pools is not None and len(told.pools) > 1:
        return f"{has}: its clients are shared out among {len(told.pools)} pools, and each stays with its own."
    return f"{has}: it goes to its pool."
