"""What nodes shall have of a tenant beside what one says it has. Values in, values out, but for `deployed`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from balancer.fleet.models import Deployment, Edit, Snapshot, Trial
from balancer.fleet.models.deployment import NOT_TAKEN
from balancer.haproxy.codec import from_json
from balancer.haproxy.desired import Server, Tenant
from balancer.haproxy.naming import ID_LENGTH, id_and_moves
from balancer.haproxy.render import map_entries
from balancer.haproxy.render.pool import proxy_name
from balancer.haproxy.running import MAPS
from balancer.haproxy.show import ENTRIES_TOLD_MOST, SERVERS_TOLD_MOST
from balancer.queries import names

NO_REASON = "The node did not take it."


@dataclass(frozen=True, slots=True)
class Tried:
    """What one node has before the others. `since`: it serves it, or was told of it; watched for so many `seconds`."""

    node: str
    revision: int
    generation: int
    state: Tenant
    since: datetime
    seconds: int


@dataclass(frozen=True, slots=True)
class Deployed:
    """The newest that all nodes were told; `state` None: nothing yet. `waiting`: changes that are saved and that no
    node shall have yet. `not_taken`: node and generation → why it has not what it was told."""

    revision: int | None
    generation: int
    state: Tenant | None
    tried: Tried | None = None
    waiting: int = 0
    not_taken: Mapping[tuple[str, int], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stand:
    """What one node's answer is held against. `behind`: it has something older, and is brought to the newest;
    `not_taken`: why it is not."""

    revision: int | None
    state: Tenant | None
    tried: Tried | None = None
    behind: bool = False
    not_taken: str = ""


@dataclass(frozen=True, slots=True)
class ServerSide:
    """`shall` and `does` None: there is none on that side. `differs` names the fields, or `missing` or `extra`.
    `untold`: the node's answer ended before it."""

    pool: str
    backend: str
    server: str
    shall: Server | None
    does: Mapping[str, Any] | None
    differs: tuple[str, ...]
    untold: bool = False


@dataclass(frozen=True, slots=True)
class EntrySide:
    """`differs`: `missing`, `extra`, `other`, or nothing. `untold`: the node's answer ended before it."""

    map: str
    key: str
    shall: str | None
    does: str | None
    differs: str
    untold: bool = False


def deployed(tenant_id: str) -> Deployed:
    """Four queries, in the platform's scope."""
    waiting = Edit.objects.filter(tenant=tenant_id, revision=None, staged=True).count()
    found = Snapshot.objects.select_related("revision").filter(tenant=tenant_id, cluster__placements__tenant=tenant_id)
    newest = found.order_by("-generation").first()
    if newest is None or newest.state is None:
        return Deployed(None, newest.generation if newest else 0, None, waiting=waiting)
    number = newest.revision.number if newest.revision else None
    trial = tried(tenant_id)
    told = [newest.generation, *([trial.generation] if trial else [])]
    said = Deployment.objects.filter(tenant=tenant_id, generation__in=told, state__in=NOT_TAKEN)
    refused = {(name, at): why or NO_REASON for name, at, why in said.values_list("node__name", "generation", "reason")}
    return Deployed(number, newest.generation, from_json(newest.state), trial, waiting, refused)


def tried(tenant_id: str) -> Tried | None:
    trial = Trial.objects.filter(tenant=tenant_id, ended_at=None).select_related("revision", "node").first()
    if trial is None:
        return None
    state, _ = names.told(json.dumps(trial.revision.state), trial.revision.digest, tenant_id)
    since = trial.watched_from or trial.began_at
    return Tried(
        trial.node.name, trial.revision.number, trial.generation, from_json(json.loads(state)), since, trial.seconds
    )


def stand(deployed: Deployed, node: str, told: Mapping[str, Any]) -> Stand:
    """A node that tries a newer revision is held against that one as soon as it has it."""
    trial, has = deployed.tried, int(told["generation"])
    if trial is not None and trial.node == node and has >= trial.generation:
        return Stand(trial.revision, trial.state, trial)
    newest = trial.generation if trial is not None and trial.node == node else deployed.generation
    if has >= newest:
        return Stand(deployed.revision, deployed.state)
    reason = deployed.not_taken.get((node, newest), "")
    return Stand(deployed.revision, deployed.state, behind=not reason, not_taken=reason)


def servers(state: Tenant | None, told: Mapping[str, Any]) -> list[ServerSide]:
    """By pool, as deployed; then what runs and nobody wants. A server that moved is another one to HAProxy: the one
    before it is told until its requests are done. Of an answer that was cut nothing is missing: it was
    not told."""
    runs: Mapping[str, Mapping[str, Any]] = told["servers"]
    cut = bool(told["cut"]) and len(runs) >= SERVERS_TOLD_MOST
    seen: set[str] = set()
    found: list[ServerSide] = []
    for pool in state.pools if state else ():
        for server in pool.servers:
            at = f"{proxy_name(state.key, pool.key) if state else ''}/{server.key}"
            seen.add(at)
            does = runs.get(at)
            untold = cut and does is None
            differs = () if untold else different(server, does)
            found.append(ServerSide(pool.key[1:], backend_of(server.key), at, server, does, differs, untold))
    for at, does in sorted(runs.items()):
        proxy, _, name = at.partition("/")
        if at not in seen and not is_ours(proxy):
            found.append(ServerSide(proxy.partition("_p")[2], backend_of(name), at, None, does, ("extra",)))
    return found


def backend_of(server: str) -> str:
    return id_and_moves(server)[0] if len(server) > ID_LENGTH else server


def is_ours(proxy: str) -> bool:
    """A router's section: its one server is the node's own second hop."""
    return not proxy.partition("_")[2].startswith("p")


def different(shall: Server, does: Mapping[str, Any] | None) -> tuple[str, ...]:
    if does is None:
        return ("missing",)
    sides = {
        "address": (f"{shall.address}:{shall.port}", f"{does['address']}:{does['port']}"),
        "weight": (shall.weight, does["weight"]),
        "admin": (shall.admin.value, does["admin"]),
    }
    return tuple(name for name, (one, other) in sides.items() if one != other)


def entries(state: Tenant | None, told: Mapping[str, Any]) -> list[EntrySide]:
    """What differs first. Of an answer that was cut nothing is missing: it was not told."""
    wanted, maps = map_entries(state) if state else {}, told["maps"]
    cut = bool(told["cut"]) and sum(map(len, maps.values())) >= ENTRIES_TOLD_MOST
    found = [side for path in MAPS for side in _of_map(path, wanted.get(path, {}), maps.get(path, {}), cut=cut)]
    return sorted(found, key=lambda side: not side.differs)


def _of_map(path: str, shall: Mapping[str, str], does: Mapping[str, str], *, cut: bool) -> Iterator[EntrySide]:
    name = path.removeprefix("maps/").removesuffix(".map")
    for key in sorted(shall.keys() | does.keys()):
        one, other = shall.get(key), does.get(key)
        untold = cut and other is None
        missing = "" if untold else "missing"
        differs = missing if other is None else "extra" if one is None else "other" if one != other else ""
        yield EntrySide(name, key, one, other, differs, untold)
