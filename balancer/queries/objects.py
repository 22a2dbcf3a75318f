"""A tenant's objects as one document: kind → id → column → value, a column only where it is not the default.

Made from the models' own columns, so that a new field travels into revisions, diffs and rollbacks by itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import models

from balancer.models import Backend, Listener, Pool, Route
from balancer.queries import rows

Row = Mapping[str, Any]
Document = Mapping[str, Mapping[str, Row]]
# In the order in which they refer to each other: what comes later may point at what comes before.
KINDS: dict[str, type[models.Model]] = {"pool": Pool, "backend": Backend, "route": Route, "listener": Listener}
NOT_KEPT = frozenset({"updated_at"})
# Our own book-keeping, no matter to whoever reads a difference.
NOT_SHOWN = frozenset({"id", "created_at", "moves"})
# What a check sends to prove itself to an origin is a secret, whatever it is called.
SECRETS = {"pool": frozenset({"check_headers"})}
HIDDEN = "••••"
NEVER = datetime.min.replace(tzinfo=UTC)  # of instances that are only read


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that differs. `act` is create, update or delete; `before` and `after` hold the columns that differ."""

    kind: str
    id: str
    name: str
    act: str
    before: Row
    after: Row


def current() -> dict[str, dict[str, dict[str, Any]]]:
    """As the rows are, in the tenant's scope: one query for all of it."""
    return dict(zip(KINDS, rows.read(_plans()), strict=True))


@cache
def _plans() -> tuple[rows.Plan, ...]:
    return tuple(
        rows.plan(model, {field: default_of(field) for field in columns_of(model)}) for model in KINDS.values()
    )


def columns_of(model: type[models.Model]) -> "list[models.Field[Any, Any]]":
    return [field for field in model._meta.concrete_fields if field.attname not in NOT_KEPT]


def default_of(field: "models.Field[Any, Any]") -> Any:
    """None where there is none to leave out: an id's is another each time."""
    return None if field.primary_key else field.get_default()


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def row_of(thing: models.Model) -> dict[str, Any]:
    found = {}
    for field in columns_of(type(thing)):
        value = getattr(thing, field.attname)
        if value != default_of(field) or field.primary_key:
            found[field.attname] = plain(value)
    return found


def lean(kind: str, row: Row) -> dict[str, Any]:
    """Without what is the default."""
    defaults = defaults_of(kind)
    return {name: value for name, value in row.items() if name == "id" or value != defaults.get(name)}


@cache
def defaults_of(kind: str) -> Mapping[str, Any]:
    """Of each column, what a row that says nothing of it has."""
    return {field.attname: default_of(field) for field in columns_of(KINDS[kind])}


def thing_of(kind: str, row: Row, *, now: datetime) -> Any:
    """The model's instance, not saved. A column that is no more is left out, one that came since has its default."""
    model = KINDS[kind]
    known = {field.attname: field for field in columns_of(model)}
    values = {name: known[name].to_python(value) for name, value in row.items() if name in known}
    return model(**values, updated_at=now)


def differences(before: Document, after: Document) -> list[Difference]:
    """Object by object, in the order of the kinds and of the names; nothing in it is a secret."""
    found = [difference for kind in KINDS for difference in _of_kind(kind, before.get(kind, {}), after.get(kind, {}))]
    return sorted(found, key=lambda one: ([*KINDS].index(one.kind), one.name, one.id))


def _of_kind(kind: str, before: Mapping[str, Row], after: Mapping[str, Row]) -> Iterator[Difference]:
    for pk in before.keys() | after.keys():
        old, new = before.get(pk), after.get(pk)
        if old == new:
            continue
        act = "create" if old is None else "delete" if new is None else "update"
        names = {name for name in {**(old or {}), **(new or {})} if (old or {}).get(name) != (new or {}).get(name)}
        shown = names - NOT_SHOWN
        if not shown:
            continue
        yield Difference(
            kind, pk, name_of(kind, new or old or {}), act, fields(kind, old, shown), fields(kind, new, shown)
        )


def fields(kind: str, row: Row | None, names: set[str]) -> dict[str, Any]:
    """Those columns, with the default where the row says nothing, and secrets hidden."""
    if row is None:
        return {}
    defaults = {field.attname: field.get_default() for field in columns_of(KINDS[kind])}
    return {name: shown(kind, name, row.get(name, defaults.get(name))) for name in sorted(names)}


def mentions(value: Any, pk: str) -> bool:
    """Does a row, or a part of it, name this id?"""
    if isinstance(value, dict):
        return any(mentions(one, pk) for one in value.values())
    if isinstance(value, list):
        return any(mentions(one, pk) for one in value)
    return bool(value == pk)


def without_secrets(kind: str, values: Row) -> dict[str, Any]:
    return {name: shown(kind, name, value) for name, value in values.items()}


def shown(kind: str, name: str, value: Any) -> Any:
    if name not in SECRETS.get(kind, ()):
        return value
    return dict.fromkeys(value, HIDDEN) if isinstance(value, dict) else HIDDEN if value else value


def name_of(kind: str, row: Row) -> str:
    return str(thing_of(kind, row, now=NEVER))
