"""Hosts, routes, limits and suspension: every one a map entry."""

from dataclasses import dataclass

from .commands import AddMap, Command, DelMap, SetMap
from .desired import Tenant
from .render.maps import map_entries
from .running import CLIENTS, HOSTS, MAPS, ROUTES, Running


@dataclass(frozen=True, slots=True)
class MapPlan:
    commands: tuple[Command, ...]
    routed: frozenset[str]  # the proxies that this tenant's routes lead to once the commands ran


def plan_maps(tenant_key: str, desired: Tenant | None, running: Running, live: frozenset[str]) -> MapPlan:
    """Additions first, deletions last; a limit of clients after the list of who is not counted.

    An entry that leads to a pool that does not run yet stays as it is: it comes with the reload.
    """
    wanted = map_entries(desired) if desired else {path: {} for path in MAPS}
    pending = {key for key, proxy in wanted[ROUTES].items() if proxy not in live}
    ready_hosts = {key.partition("/")[0] for key in wanted[ROUTES] if key not in pending}
    changes: list[Command] = []
    deletions: list[Command] = []
    for path in sorted(MAPS, key=lambda each: each == CLIENTS):
        runs = running.maps.get(path, {})
        for key, value in wanted[path].items():
            waits = (path == ROUTES and key in pending) or (path == HOSTS and key not in ready_hosts)
            if not waits and runs.get(key) != value:
                changes.append(SetMap(path, key, value) if key in runs else AddMap(path, key, value))
    for path in MAPS:
        owned = running.keys_of.get((path, tenant_key), ())
        deletions += [DelMap(path, key) for key in owned if key not in wanted[path]]
    kept = {running.maps.get(ROUTES, {}).get(key, "") for key in pending}
    return MapPlan((*changes, *deletions), frozenset(kept | set(wanted[ROUTES].values())))
