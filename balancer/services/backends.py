"""Add, change, drain and remove the addresses that answer for a pool."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from balancer.fleet.models import Act, Ending, Then
from balancer.haproxy.desired import AdminState
from balancer.models import Backend, Pool
from balancer.services import addresses, draining, edits, last_one, limits, names, pools, rules
from balancer.services.edits import Changed
from tenants.actor import Actor
from tenants.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class NewBackend:
    """`address` as written: `10.0.0.5:8080`, `[2001:db8::5]:8080` or `app.example.com:8080`."""

    address: str
    weight: int = 100
    admin: str = AdminState.READY.value
    backup: bool = False
    max_connections: int | None = None
    check_port: int | None = None
    region: str = ""
    description: str = ""
    tags: list[str] = field(default_factory=list)


def add(pool: Pool, new: NewBackend, *, by: Actor, now: datetime) -> Changed[Backend]:
    """Raise `Refused` naming each field, `LimitReached`, or `Conflict` when the pool has the address already. A name is
    looked up first; one that does not answer now is saved all the same."""
    with names.first_look([new.address], now=now), transaction.atomic():
        return _add(pool, new, by=by, now=now)


def _add(pool: Pool, new: NewBackend, *, by: Actor, now: datetime) -> Changed[Backend]:
    edits.hold_tenant()
    values = cleaned(asdict(new))
    pool = pools.held(pool)
    limits.room_for_backends()
    refuse_twice(pool, values)
    backend = Backend.objects.create(pool=pool, **values, created_at=now, updated_at=now)
    return Changed(backend, edits.record(Act.CREATE, backend, by=by, now=now, after=edits.fields_of(backend)))


def update(backend: Backend, changes: dict[str, Any], *, by: Actor, now: datetime) -> Changed[Backend]:
    """`changes` holds fields of `NewBackend`; what it leaves out stays. Refuse to take the last ready one out."""
    with names.first_look([changes.get("address", "")], now=now), transaction.atomic():
        edits.hold_tenant()
        if changes.get("admin", AdminState.READY.value) != AdminState.READY.value:
            refuse_last(held(backend), force=False, now=now)
        return apply(backend, changes, Act.UPDATE, by=by, now=now)


@transaction.atomic
def remove(backend: Backend, *, by: Actor, now: datetime) -> Changed[Backend]:
    edits.hold_tenant()
    backend = held(backend)
    before, gone = edits.fields_of(backend), backend.pk
    backend.delete()
    draining.end(gone, Ending.CANCELLED, now=now)
    backend.pk = gone
    return Changed(backend, edits.record(Act.DELETE, backend, by=by, now=now, before=before))


@transaction.atomic
def drain(
    backend: Backend,
    *,
    by: Actor,
    now: datetime,
    force: bool = False,
    deadline: timedelta | None = None,
    then: str = Then.NOTHING,
) -> Changed[Backend]:
    """Give it no new sessions, and let the ones it has finish; `then` follows when nobody is left on it, and after
    `deadline` at the latest. Refuse the pool's last one, ready or measured to be well, unless forced."""
    edits.hold_tenant()
    refuse_last(held(backend), force=force, now=now)
    done = apply(backend, {"admin": AdminState.DRAIN.value}, Act.DRAIN, by=by, now=now)
    draining.begin(done.object, deadline=deadline, then=Then(then), by=by, now=now)
    return done


@transaction.atomic
def maintain(backend: Backend, *, by: Actor, now: datetime, force: bool = False) -> Changed[Backend]:
    """Take it out at once. Refuse the pool's last ready one unless forced."""
    edits.hold_tenant()
    refuse_last(held(backend), force=force, now=now)
    return apply(backend, {"admin": AdminState.MAINT.value}, Act.MAINTAIN, by=by, now=now)


@transaction.atomic
def ready(backend: Backend, *, by: Actor, now: datetime) -> Changed[Backend]:
    edits.hold_tenant()
    return apply(backend, {"admin": AdminState.READY.value}, Act.READY, by=by, now=now)


@transaction.atomic
def set_weight(backend: Backend, weight: int, *, by: Actor, now: datetime) -> Changed[Backend]:
    edits.hold_tenant()
    return apply(backend, {"weight": weight}, Act.WEIGHT, by=by, now=now)


def apply(backend: Backend, changes: dict[str, Any], act: Act, *, by: Actor, now: datetime) -> Changed[Backend]:
    """Lock, check, write, record: what every act on one backend does. Inside the act's transaction."""
    backend = held(backend)
    before = edits.fields_of(backend)
    values = cleaned({name: getattr(backend, name) for name in NewBackend.__dataclass_fields__} | changes)
    if (values["ip"], values["host"], values["port"]) != backend.place:
        refuse_twice(backend.pool, values, but=backend)
        backend.moves += 1
    for name, value in values.items():
        setattr(backend, name, value)
    backend.updated_at = now
    backend.save()
    draining.follow(before["admin"], backend, now=now)
    return Changed(backend, edits.record(act, backend, by=by, now=now, before=before, after=edits.fields_of(backend)))


def held(backend: Backend) -> Backend:
    found = Backend.objects.select_for_update(of=("self",)).select_related("pool").filter(pk=backend.pk).first()
    if found is None:
        raise NotFound("This backend was removed in the meantime.")
    return found


def refuse_twice(pool: Pool, values: dict[str, Any], but: Backend | None = None) -> None:
    same = Backend.objects.filter(pool=pool, ip=values["ip"], host=values["host"], port=values["port"])
    if but is not None:
        same = same.exclude(pk=but.pk)
    if same.exists():
        raise Conflict(f"The pool {pool.name} has this address already.", "address_taken", "/address")


def refuse_last(backend: Backend, *, force: bool, now: datetime) -> None:
    if not force:
        last_one.refuse([backend], now=now)


def address_policy() -> addresses.Policy:
    return addresses.Policy(settings.DEMO, settings.OWN_PORTS, settings.DENIED_NETWORKS)


def cleaned(values: dict[str, Any]) -> dict[str, Any]:
    """The model's fields, each by its rule; `address` becomes `ip` or `host`, and `port`."""
    problems, clean = rules.Problems(), dict(values)
    address = problems.take("address", addresses.parse, clean.pop("address"), address_policy())
    if address is not None:
        clean |= address._asdict()
        if address.host is not None:
            problems.take("address", names.judge, address.host, address.port, address_policy())
    take = problems.take
    clean["weight"] = take("weight", rules.whole, values["weight"], least=0, most=rules.WEIGHT_MAX, what="Weight")
    clean["admin"] = take("admin", rules.one_of, values["admin"], [a.value for a in AdminState], what="Admin")
    clean["max_connections"] = take(
        "max_connections", rules.optional_whole, values["max_connections"], least=1, most=1_000_000, what="The limit"
    )
    clean["check_port"] = take(
        "check_port", rules.optional_whole, values["check_port"], least=1, most=rules.PORT_MAX, what="The check's port"
    )
    clean["region"] = take("region", rules.text, values["region"], most=40, what="A region")
    clean["description"] = take("description", rules.text, values["description"], most=500, what="A description")
    clean["tags"] = take("tags", rules.tags, values["tags"])
    problems.raise_any()
    return clean
