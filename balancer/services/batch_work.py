"""A tenant's objects while many changes are made to them: what is there, what is unique, and who named what."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models

from balancer.models import Backend
from balancer.services import domains, kinds, ports
from balancer.services.kinds import KINDS, Kind
from balancer.services.writing import Written

REF = "ref:"


@dataclass(slots=True)
class Work:
    """The tenant's objects as they would be after the operations so far."""

    now: datetime
    force: bool = False
    things: dict[str, dict[str, Any]] = field(default_factory=dict)
    were: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: dict[tuple[str, tuple[str, ...]], dict[tuple[Any, ...], str]] = field(default_factory=dict)
    in_pool: dict[str, dict[str, models.Model]] = field(default_factory=lambda: defaultdict(dict))
    refs: dict[str, str] = field(default_factory=dict)
    owners: dict[tuple[str, str], int] = field(default_factory=dict)  # whose operation touched it last
    hosts: set[str] = field(default_factory=set)
    proven: frozenset[str] | None = None
    ports_of_others: frozenset[int] = frozenset()

    def load(self, asked_ports: Iterable[int] = ()) -> None:
        for name, kind in KINDS.items():
            rows = {row.pk: row for row in kind.model._default_manager.all()}
            self.things[name], self.were[name] = dict(rows), rows
            for columns in kind.unique():
                alone = (row for row in rows.values() if not kinds.shares(kind, row))
                found = ((_values(row, columns), row.pk) for row in alone)
                self.seen[name, columns] = {values: pk for values, pk in found if None not in values}
        for pk, backend in self.things["backend"].items():
            self.in_pool[backend.pool_id][pk] = backend
        there = [*self.things["route"].values(), *self.things["listener"].values()]
        self.hosts = {one.host for one in there if one.host}
        self.ports_of_others = ports.of_others(set(asked_ports))

    def modes(self) -> dict[str, str]:
        """Pool → mode, as they would be by now."""
        return {pk: pool.mode for pk, pool in self.things["pool"].items()}

    def put(self, kind: Kind, thing: Any) -> None:
        """Raise `Conflict` where another one is the same."""
        alone = () if kinds.shares(kind, thing) else kind.unique()
        every = [(self.seen[kind.name, columns], _values(thing, columns)) for columns in alone]
        found = [(index, values) for index, values in every if None not in values]  # nobody's, as in the database
        if any(index.get(values, thing.pk) != thing.pk for index, values in found):
            raise kinds.taken(kind, thing)
        self.forget(kind, self.things[kind.name].get(thing.pk))
        for index, values in found:
            index[values] = thing.pk
        self.things[kind.name][thing.pk] = thing
        if isinstance(thing, Backend):
            self.in_pool[thing.pool_id][thing.pk] = thing

    def forget(self, kind: Kind, thing: Any) -> None:
        if thing is None:
            return
        for columns in () if kinds.shares(kind, thing) else kind.unique():
            self.seen[kind.name, columns].pop(_values(thing, columns), None)
        del self.things[kind.name][thing.pk]
        if isinstance(thing, Backend):
            self.in_pool[thing.pool_id].pop(thing.pk, None)

    def changes(self, kind: str) -> list[Written]:
        here, was = self.things[kind], self.were[kind]
        return [
            Written(kind, was.get(pk), here.get(pk))
            for pk in sorted(here.keys() | was.keys())
            if here.get(pk) is not was.get(pk)
        ]

    def resolved(self, values: dict[str, Any]) -> dict[str, Any]:
        """`ref:<name>` → the id of what an earlier operation added, wherever a pool is named."""
        return {name: self._resolve(name, value) for name, value in values.items()}

    def _resolve(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {inner: self._resolve(inner, below) for inner, below in value.items()}
        if isinstance(value, list):
            return [self._resolve(name, below) for below in value]
        if isinstance(value, str) and value.startswith(REF) and names_pool(name):
            return self.refs.get(value.removeprefix(REF), value)
        return value

    def require_ways(self, kind: Kind, columns: Mapping[str, Any], before: Any) -> None:
        """The host and the port that an object is to have, of a route or a listener."""
        if kind.name == "route" or (kind.name == "listener" and (before is None or columns["host"] != before.host)):
            self.require_host(columns["host"])
        if kind.name == "listener" and columns["port"] in self.ports_of_others:
            raise ports.PortTaken(columns["port"])

    def require_host(self, host: object) -> None:
        """Of a host that the tenant has no route or listener for yet. What is not a host is refused by its rule."""
        if not isinstance(host, str) or host in self.hosts:
            return
        if self.proven is None:
            self.proven = domains.proven()
        domains.require(host, self.proven)
        self.hosts.add(host)


def _values(thing: models.Model, columns: Iterable[str]) -> tuple[Any, ...]:
    return tuple(getattr(thing, column) for column in columns)


def names_pool(field_name: str) -> bool:
    """Does a field of this name hold a pool's id?"""
    return field_name == "pool" or field_name.endswith("_pool")
