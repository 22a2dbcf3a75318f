"""Hosts, routes, limits and suspension: every one a map entry."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from .commands import AddMap, Command, DelMap, SetMap
from .desired import Tenant
from .render.listeners import pool_of
from .render.maps import map_entries
from .running import CLIENTS, FALLBACKS, HOSTS, LEADS, MAPS, NAMES, PORTS, PURGES, ROUTES, Running
from .sites import is_router


@dataclass(frozen=True, slots=True)
class MapPlan:
    commands: tuple[Command, ...]
    routed: frozenset[str]  # the proxies that this tenant's routes lead to once the commands ran


def plan_maps(
    tenant_key: str, desired: Tenant | None, running: Running, live: frozenset[str], *, routers_change: bool
) -> MapPlan:
    """Additions first, deletions last; a limit of clients after the list of who is not counted; of routes the longest
    first, so that none falls to a shorter one on the way.

    An entry that leads to a pool or router that does not run yet stays as it is: it comes with the reload. So do the
    other entries of a host that waits for its router, and while routers change (`routers_change`) what the old ones
    look up.
    """
    wanted = map_entries(desired) if desired else {path: {} for path in MAPS}
    there = running.entries_of.get(tenant_key, {})
    if there == {path: entries for path, entries in wanted.items() if entries}:
        return MapPlan((), _led_to(wanted))  # nearly every time: whatever may have to wait is there already
    pending = {key for key, proxy in wanted[ROUTES].items() if proxy not in live}
    unled = {key for key, proxy in wanted[LEADS].items() if proxy not in live}
    unready = {key for key, proxy in wanted[FALLBACKS].items() if proxy not in live}
    ready_hosts = {_host(key) for key in wanted[ROUTES] if key not in pending}
    held = {_host(key) for key in pending if is_router(wanted[ROUTES][key])}
    unhosted = wanted[HOSTS].keys() - ready_hosts
    waits: dict[str, AbstractSet[str]] = {ROUTES: pending, LEADS: unled, FALLBACKS: unready, HOSTS: unhosted}
    for path in (PORTS, NAMES):
        waits[path] = {key for key, lead in wanted[path].items() if pool_of(lead) not in live}
    changes: list[Command] = []
    deletions: list[Command] = []
    for path in sorted(MAPS, key=lambda each: each == CLIENTS):
        runs, held_back = running.maps.get(path, {}), waits.get(path, frozenset())
        for key, value in _ordered(path, wanted[path]):
            if key not in held_back and runs.get(key) != value and not (path == PURGES and later(runs.get(key), value)):
                changes.append(SetMap(path, key, value) if key in runs else AddMap(path, key, value))
    kept = {running.maps.get(ROUTES, {}).get(key, "") for key in pending}
    kept |= {running.maps.get(LEADS, {}).get(key, "") for key in unled}
    kept |= {running.maps.get(FALLBACKS, {}).get(key, "") for key in unready}
    kept |= {pool_of(running.maps.get(path, {}).get(key, "")) for path in (PORTS, NAMES) for key in waits[path]}
    for path in MAPS:
        for key in there.get(path, ()):
            if key in wanted[path]:
                continue
            if (path == ROUTES and _host(key) in held) or (path == LEADS and routers_change):
                kept.add(running.maps[path][key])
            else:
                deletions.append(DelMap(path, key))
    return MapPlan((*changes, *deletions), _led_to(wanted) | kept)


def _led_to(entries: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    """The proxies that maps lead to."""
    routed = set().union(*(entries[path].values() for path in (ROUTES, LEADS, FALLBACKS)))
    return frozenset(routed | {pool_of(lead) for path in (PORTS, NAMES) for lead in entries[path].values()})


def later(mark: str | None, wanted: str) -> bool:
    """Going back would bring what was purged to light again: it is kept until this HAProxy ends, or is too old."""
    return mark is not None and mark.isdecimal() and int(mark) > int(wanted)


def _host(key: str) -> str:
    return key.partition("/")[0]


def _ordered(path: str, entries: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return sorted(entries.items(), key=lambda entry: -len(entry[0])) if path == ROUTES else entries.items()
