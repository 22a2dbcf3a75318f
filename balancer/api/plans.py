"""From a document to what brings the rows there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from balancer.api.documents import Document
from balancer.api.operations import FORMS
from balancer.api.portable import SECRET, named, writable, writer
from balancer.models import Backend, Listener, Pool, Route
from balancer.queries.objects import HIDDEN
from balancer.services.batch import Act, Operation
from tenants.errors import FieldError
from tenants.ids import new_id


class Plan:
    """What brings the rows to a document. `where`: a pointer into the document for each operation."""

    def __init__(self, document: Document, *, replace: bool) -> None:
        self.operations: list[Operation] = []
        self.where: list[str] = []
        self.notes = list(document.notes)
        self.document = document
        self.pools = {pool.name: pool for pool in Pool.objects.all()}
        self.write = {kind: writer(form.serializer) for kind, form in FORMS.items()}
        self.ids = {name: pool.pk for name, pool in self.pools.items()}
        self.kept: set[str] = set()
        self.protection: Mapping[str, Any] = document.protection or {}
        for name, said in (("listeners", document.listeners), ("protection", document.protection)):
            if replace and said is None:
                self.notes.append(f"The document says nothing of {name}: they stay as they are.")
        for pool in document.pools:
            if isinstance(pool.get("name"), str):
                self.ids.setdefault(pool["name"], new_id())
        self._pools(document)
        self._routes(document)
        self._listeners(document.listeners or [])
        if replace:
            self._deletions(listeners=document.listeners is not None)

    def _pools(self, document: Document) -> None:
        stored: dict[tuple[str, str], Backend] = {(one.pool_id, one.address): one for one in Backend.objects.all()}
        for at, pool in enumerate(document.pools):
            where = f"/pools/{at}"
            there = self.pools.get(str(pool.get("name")))
            own = self._revealed({k: v for k, v in pool.items() if k != "backends"}, there, where)
            self._add("pool", own, there, where, pk=self.ids.get(str(pool.get("name")), ""))
            for index, backend in enumerate(_list(pool.get("backends", []))):
                address = backend.get("address")
                old = stored.get((there.pk, str(address))) if there is not None else None
                self._add("backend", {**backend, "pool": pool.get("name")}, old, f"{where}/backends/{index}")

    def _routes(self, document: Document) -> None:
        """The same host and path may stand several times: then each is what it equals, and of the rest the first is the
        first."""
        stored: dict[tuple[str, str], list[Route]] = {}
        names = {pool.pk: pool.name for pool in self.pools.values()}
        for row in Route.objects.order_by("created_at", "pk"):
            stored.setdefault((row.host, row.path_prefix), []).append(row)
        found: dict[int, Route] = {}
        sites = [(str(one.get("host")), str(one.get("path_prefix", "/"))) for one in document.routes]
        for index, route in enumerate(document.routes):
            same = stored.get(sites[index], [])
            equal = [row for row in same if named(self.write["route"](row), names) == route] if len(same) > 1 else []
            if equal:
                found[index] = equal[0]
                same.remove(equal[0])
        for index, route in enumerate(document.routes):
            left = stored.get(sites[index], [])
            there = found.get(index) or (left.pop(0) if left else None)
            self._add("route", dict(route), there, f"/routes/{index}")

    def _listeners(self, ways: Sequence[Mapping[str, Any]]) -> None:
        """By its port or its name; one that leaves its port open is the one that leads to the same pool and says the
        same of itself, so that the same document twice makes no second one."""
        left = list(Listener.objects.order_by("created_at", "pk"))
        open_ = {"kind": "tcp", "host": None}
        for index, one in enumerate(ways):
            way = (one.get("port"), one.get("host"))
            there = next((row for row in left if way != (None, None) and (row.port, row.host) == way), None)
            if way == (None, None) and one.get("kind") == "tcp":
                here = {**open_, "pool": one.get("pool"), "description": one.get("description", "")}
                there = next((row for row in left if row.host is None and self._said(row) == here), None)
            if there is not None:
                left.remove(there)
            self._add("listener", dict(one), there, f"/listeners/{index}")

    def _said(self, row: Listener) -> dict[str, Any]:
        names = {pool.pk: pool.name for pool in self.pools.values()}
        return {"kind": row.kind, "host": row.host, "pool": names[row.pool_id], "description": row.description}

    def _add(self, kind: str, data: dict[str, Any], there: Any, where: str, *, pk: str = "") -> None:
        form = FORMS[kind]
        known = set(writable(form.serializer()).fields)
        unknown = sorted(data.keys() - known)
        act = Act.ADD
        if there is not None:
            self.kept.add(there.pk)
            pk = there.pk
        if unknown:
            said = "There is no such field in a document."
            operation = Operation(kind, act, errors=(FieldError(f"/data/{unknown[0]}", "unknown", said),))
        else:
            # Whole, as an addition is read; then said to be a change of what is there.
            operation = form.operation(kind, act, pk=pk, data=named(data, self.ids))
            if there is not None:
                operation = Operation(kind, Act.UPDATE, id=pk, values=operation.values, errors=operation.errors)
        self.operations.append(operation)
        self.where.append(where)

    def _deletions(self, *, listeners: bool) -> None:
        """A pool's backends go with it."""
        every = Listener.objects.exclude(pk__in=self.kept)
        left: dict[str, QuerySet[Any]] = {
            "listener": every if listeners else every.none(),
            "route": Route.objects.exclude(pk__in=self.kept),
            "backend": Backend.objects.exclude(pk__in=self.kept).filter(pool__in=self.kept),
            "pool": Pool.objects.exclude(pk__in=self.kept),
        }
        for kind, rows in left.items():
            for pk in rows.order_by("pk").values_list("pk", flat=True):
                self.operations.append(Operation(kind, Act.DELETE, id=pk))
                self.where.append(f"/{kind}s")

    def _revealed(self, pool: dict[str, Any], there: Pool | None, where: str) -> dict[str, Any]:
        """A hidden value stays what it is; where there is none it is left out, which a note says."""
        held = self.write["pool"](there) if there is not None else {}
        for outer, inner in SECRET:
            part = pool.get(outer)
            values = part.get(inner) if isinstance(part, dict) else None
            if not isinstance(part, dict) or not isinstance(values, dict) or HIDDEN not in values.values():
                continue
            known = held.get(outer, {}).get(inner, {})
            self.notes += [
                f"{where}/{outer}/{inner}/{name}: its value is not in the document; set it again."
                for name, value in values.items()
                if value == HIDDEN and name not in known
            ]
            found = {n: known.get(n) if v == HIDDEN else v for n, v in values.items() if v != HIDDEN or n in known}
            pool[outer] = {**part, inner: found}
        return pool

    def pointer(self, index: int, below: str) -> str:
        """Of what an operation is refused for; of an haproxy.cfg its line."""
        found = self.where[index] + below.removeprefix("/data")
        line = self.document.line_of(found)
        return found if line is None else f"/lines/{line}"


def _list(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())
