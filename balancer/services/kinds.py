"""What many changes at once need to know of each kind of object: its rules, and what a row is to them."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from django.db import models

from balancer.haproxy.desired import AdminState
from balancer.models import Backend
from balancer.queries import objects
from balancer.services import backends, listeners, pools, routes
from tenants.errors import Conflict, FieldError

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """`new` is the service's own dataclass; `cleaned` takes its fields and answers columns, or raises `Refused`.
    `taken` is the code of a second one with the same `models` constraint, and the field that it points at."""

    name: str
    new: type
    cleaned: Callable[[Values], Values]
    taken: tuple[str, str, str]

    @property
    def model(self) -> type[models.Model]:
        return objects.KINDS[self.name]

    def values_of(self, thing: models.Model) -> Values:
        """What the service would be given for the row as it is."""
        return {field.name: getattr(thing, _attribute(field.name)) for field in fields(self.new)}

    def defaults(self) -> Values:
        found = {}
        for field in fields(self.new):
            if field.default is not MISSING:
                found[field.name] = field.default
            elif field.default_factory is not MISSING:
                found[field.name] = field.default_factory()
        return found

    def unique(self) -> list[tuple[str, ...]]:
        """What no two rows share, as the model says it; where only some of them, `MAY_SHARE` says which may."""
        meta = self.model._meta
        single = [(field.attname,) for field in meta.concrete_fields if field.unique and not field.primary_key]
        several = [
            tuple(meta.get_field(name).attname for name in constraint.fields)  # type: ignore[union-attr]
            for constraint in meta.constraints
            if isinstance(constraint, models.UniqueConstraint)
            and constraint.fields
            and (constraint.condition is None or self.name in MAY_SHARE)
        ]
        return [*single, *several]


def _attribute(field: str) -> str:
    return f"{field}_id" if field in ("pool", "backup_pool") else field


KINDS: Mapping[str, Kind] = {
    "pool": Kind(
        "pool", pools.NewPool, pools.cleaned,
        ("name_taken", "/name", "A pool named {name} exists already. Choose another name."),
    ),
    "backend": Kind(
        "backend", backends.NewBackend, backends.cleaned,
        ("address_taken", "/address", "The pool has the address {name} already."),
    ),
    "route": Kind(
        "route", routes.NewRoute, routes.cleaned,
        ("route_taken", "/path_prefix", "A route for {name} exists already. Change that, or choose another path."),
    ),
    "listener": Kind(
        "listener", listeners.NewListener, listeners.cleaned,
        ("listener_taken", "/port", "A listener for {name} exists already. Change that one."),
    ),
}  # fmt: skip


# Of routes with conditions there may be several for one host and path.
MAY_SHARE: Mapping[str, Callable[[Any], bool]] = {"route": lambda route: bool(route.conditions)}


def shares(kind: Kind, thing: models.Model) -> bool:
    may = MAY_SHARE.get(kind.name)
    return may is not None and may(thing)


def taken(kind: Kind, thing: models.Model) -> Conflict:
    code, pointer, sentence = kind.taken
    return Conflict(sentence.format(name=thing), code, pointer)


def moved(before: models.Model | None, after: models.Model) -> None:
    """A backend that goes to another address is another server to HAProxy (`haproxy.naming`)."""
    if not isinstance(after, Backend) or not isinstance(before, Backend):
        return
    if before.place != after.place:
        after.moves = before.moves + 1


def leaves_none(before: models.Model, after: models.Model | None, siblings: list[models.Model]) -> Conflict | None:
    """Would a change of `before` to `after` take its pool's last ready backend out of service? Its removal may."""
    if not isinstance(before, Backend) or not isinstance(after, Backend):
        return None
    ready = AdminState.READY.value
    if before.admin != ready or after.admin == ready:
        return None
    if any(isinstance(one, Backend) and one.admin == ready and one.pk != before.pk for one in siblings):
        return None
    sentence = (
        f"{before} is the last ready backend of its pool: without it, requests get 503. Make another one ready first."
    )
    refusal = Conflict(sentence, "last_backend")
    refusal.errors = (FieldError("/admin", "last_backend", sentence),)
    return refusal
