"""Routers: their lines come from a file, so that another order, condition or action needs a reload; where their routes
lead to is in a map."""

from dataclasses import dataclass

from .desired import Tenant
from .running import Running
from .sites import Site, routed_sites, router_name, shape


@dataclass(frozen=True, slots=True)
class RouterPlan:
    reload: tuple[str, ...]
    live: frozenset[str]  # routers that run and are wanted


def plan_routers(deployed: Tenant | None, desired: Tenant | None, running: Running) -> RouterPlan:
    """As for pools: one that HAProxy has not read, or read as another, comes with the reload. One that nothing leads
    to any more stays until then."""
    if not (deployed and routed_sites(deployed)) and not (desired and routed_sites(desired)):
        return RouterPlan((), frozenset())
    before = _shapes(deployed)
    reload: list[str] = []
    live: set[str] = set()
    for router, site in _shapes(desired).items():
        if router not in running.pools or router not in before:
            reload.append(f"the rules of {site.host} are new")
            continue
        live.add(router)
        if before[router] != site:
            reload.append(f"{site.host} has other rules")
    return RouterPlan(tuple(reload), frozenset(live))


def _shapes(tenant: Tenant | None) -> dict[str, Site]:
    return {router_name(tenant.key, site.host): shape(site) for site in routed_sites(tenant)} if tenant else {}
