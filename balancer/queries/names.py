"""What names lead to, put in where a state or a backend goes by one. Asks the database only where a name is."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

from django.conf import settings

from balancer.fleet.models import Name
from balancer.haproxy import codec, names
from balancer.haproxy.desired import Tenant
from balancer.haproxy.names import Named
from balancer.haproxy.serving import BY_COOKIE
from balancer.models import Backend
from billing.queries import limits

COLUMNS = ("id", "moves", "host", "port", "pool__sticky_type")
WAITS = "It is looked up now for the first time."


@dataclass(frozen=True, slots=True)
class At:
    """One address of a backend that goes by a name, and its server in HAProxy."""

    address: str
    key: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """`left_out`: addresses beyond what a name or the plan has room for. `at`: when they were seen last; None: never.
    `error` says what is wrong with the name since `failing_since`; the addresses are then the last good ones."""

    name: str
    addresses: tuple[At, ...] = ()
    left_out: int = 0
    at: datetime | None = None
    error: str = ""
    failing_since: datetime | None = None
    next_at: datetime | None = None


def rows(found: Collection[str]) -> dict[str, Name]:
    return Name.objects.in_bulk(list(found))


def addresses(found: Mapping[str, Name]) -> dict[str, list[str]]:
    return {name: row.addresses for name, row in found.items()}


def fits(ip: str, port: int) -> bool:
    """What only the port decides; the rest was judged when the name was looked up (`services.names`)."""
    return port not in settings.OWN_PORTS or not ip_address(ip).is_loopback


def resolved(state: Tenant, tenant_id: str) -> Tenant:
    """With the addresses that its names have now."""
    here = names.names_in(state)
    if not here:
        return state
    most = limits.of(tenant_id).backends
    return names.resolved(state, addresses(rows(here)), most=most, fits=fits)


def told(state: str, digest: str, tenant_id: str) -> tuple[str, str]:
    """A revision's state, which is JSON, as nodes are told it, and its digest."""
    if not said_in(state):
        return state, digest
    found = codec.text(resolved(codec.from_json(json.loads(state), names=True), tenant_id))
    return found, codec.digest_of(found)


def said_in(state: str) -> set[str]:
    """The names that servers go by in a state as JSON, which is only read where it says a name of anything."""
    if '"name"' not in state:
        return set()
    pools = json.loads(state).get("pools", ())
    return {server["name"] for pool in pools for server in pool["servers"] if server.get("name")}


def of_backends(tenant_id: str, backends: Sequence[Backend]) -> dict[str, Resolution]:
    """Of those that go by a name, by id. Four queries where there is any, else none: what each is allotted hangs on
    the tenant's others."""
    shown = {one.pk for one in backends if one.host}
    if not shown:
        return {}
    named = [
        Named(pk, moves, host, port, sticky in BY_COOKIE)
        for pk, moves, host, port, sticky in Backend.objects.filter(host__isnull=False)
        .order_by("pool_id", "created_at", "id")
        .values_list(*COLUMNS)
    ]
    known = rows({one.name for one in named})
    most = limits.of(tenant_id).backends
    room = None if most is None else most - Backend.objects.filter(host=None).count()
    found = names.allotted(named, addresses(known), room=room, fits=fits)
    return {
        one.id: _resolution(one, has, known.get(one.name))
        for one, has in zip(named, found, strict=True)
        if one.id in shown
    }


def _resolution(one: Named, has: names.Found, row: Name | None) -> Resolution:
    if row is None or row.asked_at is None:
        return Resolution(one.name, error=WAITS)
    return Resolution(
        one.name,
        tuple(At(_written(ip, one.port), key) for key, ip in has.servers),
        has.left_out + row.more,
        row.found_at,
        row.problem
        or ("" if has.servers else f"Port {one.port} of {one.name} is the platform's own; use your server's."),
        row.failing_since,
        row.next_at,
    )


def _written(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
