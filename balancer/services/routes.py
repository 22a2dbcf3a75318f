"""Create, change and delete routes, and hold each host to one tenant."""

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from django.db import transaction

from balancer.fleet.models import Act
from balancer.haproxy.codec_fields import BadState
from balancer.haproxy.route_columns import columns_of, pointer, value_of
from balancer.haproxy.routing import PathMatch
from balancer.models import Route
from balancer.models.routes import to_its_pool
from balancer.services import caches, domains, edits, hosts, limits, pool_modes, rules
from balancer.services.edits import Changed
from tenants.actor import Actor
from tenants.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class NewRoute:
    """`pool` is the pool's id, None where the action leads to none or to several; one of another tenant does not exist
    here. The rest is as the model's columns are (`haproxy.route_columns`)."""

    host: str
    pool: str | None = None
    path_prefix: str = "/"
    path_match: str = "prefix"
    priority: int = 0
    conditions: list[Any] = field(default_factory=list)
    action: dict[str, Any] = field(default_factory=to_its_pool)
    rewrite: dict[str, Any] = field(default_factory=dict)
    request_headers: list[Any] = field(default_factory=list)
    response_headers: list[Any] = field(default_factory=list)
    cors: dict[str, Any] | None = None
    timeout_ms: int | None = None
    max_body: int | None = None
    compression: bool = False
    maintenance: dict[str, Any] | None = None
    cache: dict[str, Any] | None = None
    enabled: bool = True
    description: str = ""
    tags: list[str] = field(default_factory=list)


@transaction.atomic
def create(new: NewRoute, *, by: Actor, now: datetime) -> Changed[Route]:
    """Raise `Refused` naming each field, `LimitReached`, or `Conflict` when host and path, or the host, are taken."""
    edits.hold_tenant()
    values = cleaned(asdict(new))
    limits.room_for_routes()
    caches.room_for([(None, Route(**values))])
    refuse_twice(values)
    domains.require(values["host"])
    hosts.claim(values["host"])
    route = Route.objects.create(**values, created_at=now, updated_at=now)
    return Changed(route, edits.record(Act.CREATE, route, by=by, now=now, after=edits.fields_of(route)))


@transaction.atomic
def update(route: Route, changes: dict[str, Any], *, by: Actor, now: datetime) -> Changed[Route]:
    """`changes` holds fields of `NewRoute`; what it leaves out stays."""
    edits.hold_tenant()
    route = held(route)
    before = edits.fields_of(route)
    now_held = {each.name: getattr(route, "pool_id" if each.name == "pool" else each.name) for each in fields(NewRoute)}
    if "action" in changes and changes["action"].get("type") != "pool":
        now_held["pool"] = None
    values = cleaned(now_held | changes)
    refuse_twice(values, but=route)
    if values["host"] != route.host:  # a domain that is proven no more stops nothing that is there
        domains.require(values["host"])
    caches.room_for([(route, Route(**values))])
    hosts.claim(values["host"])
    for name, value in values.items():
        setattr(route, name, value)
    route.updated_at = now
    route.save()
    if before["host"] != route.host:
        hosts.release(before["host"])
    return Changed(route, edits.record(Act.UPDATE, route, by=by, now=now, before=before, after=edits.fields_of(route)))


@transaction.atomic
def delete(route: Route, *, by: Actor, now: datetime) -> Changed[Route]:
    edits.hold_tenant()
    route = held(route)
    before, gone = edits.fields_of(route), route.pk
    route.delete()
    route.pk = gone
    hosts.release(route.host)
    return Changed(route, edits.record(Act.DELETE, route, by=by, now=now, before=before))


def held(route: Route) -> Route:
    found = Route.objects.select_for_update().filter(pk=route.pk).first()
    if found is None:
        raise NotFound("This route was deleted in the meantime.")
    return found


def refuse_twice(values: dict[str, Any], but: Route | None = None) -> None:
    if values["conditions"]:
        return
    same = Route.objects.filter(
        host=values["host"], path_prefix=values["path_prefix"], path_match=values["path_match"], conditions=[]
    )
    if but is not None:
        same = same.exclude(pk=but.pk)
    if same.exists():
        raise Conflict(
            f"A route for {values['host']}{values['path_prefix']} exists already. Change that, or choose another path.",
            "route_taken",
            "/path_prefix",
        )


def cleaned(values: dict[str, Any]) -> dict[str, Any]:
    """The model's fields, each by its rule; `pool` becomes `pool_id`."""
    problems, clean = rules.Problems(), dict(values)
    clean["host"] = problems.take("host", rules.host, values["host"])
    if values["path_match"] == PathMatch.PREFIX:
        clean["path_prefix"] = problems.take("path_prefix", rules.path_prefix, values["path_prefix"])
    clean["description"] = problems.take(
        "description", rules.text, values["description"], most=500, what="A description"
    )
    clean["tags"] = problems.take("tags", rules.tags, values["tags"])
    clean["pool_id"] = clean.pop("pool")
    if not problems.errors:
        clean |= checked(clean, problems)
    problems.raise_any()
    return clean


def checked(clean: dict[str, Any], problems: rules.Problems) -> dict[str, Any]:
    """The columns in their one spelling; what a node would not take is noted under its field."""
    try:
        value = value_of("r", clean["host"], clean["path_prefix"], clean["pool_id"], clean)
    except BadState as refusal:
        if refusal.field == "pool" and not clean["pool_id"]:
            problems.add("pool", pool_modes.NO_POOL, "unknown_pool")
        else:
            problems.add(pointer(refusal.field), f"{refusal.problem[:1].upper()}{refusal.problem[1:].rstrip('.')}.")
        return {}
    led = {"pool": clean["pool_id"]} if clean["pool_id"] else {}
    led |= {f"action/pools/{index}/pool": share.pool[1:] for index, share in enumerate(value.action.shares)}
    for field_name, pk in led.items():
        pool_modes.require_for_routes(pk, field_name, problems)
    return columns_of(value)
