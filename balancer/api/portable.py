"""A configuration to take along: written from the rows by each resource's own serializer, and read back by it.

No ids, no times, no secrets; the same rows make the same text.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml
from rest_framework import serializers

from balancer.api.documents import FORMAT, Document
from balancer.api.operations import FORMS, Form
from balancer.models import Backend, Pool, Route
from balancer.queries.objects import HIDDEN
from balancer.services.batch import Act, Operation
from balancer.services.batch_work import names_pool
from tenants.errors import FieldError
from tenants.ids import new_id
from tenants.models import Tenant

# What a check sends to prove itself to an origin is a secret, whatever it is called.
SECRET = (("health_check", "headers"),)


def written(tenant: Tenant) -> dict[str, Any]:
    """In the tenant's scope; three queries."""
    pools = list(Pool.objects.order_by("name", "pk"))
    backends: dict[str, list[Backend]] = {pool.pk: [] for pool in pools}
    for backend in Backend.objects.order_by("ip", "port", "pk"):
        backends[backend.pool_id].append(backend)
    names = {pool.pk: pool.name for pool in pools}
    write = {kind: writer(FORMS[kind]) for kind in FORMS}
    return {
        "format": FORMAT,
        "tenant": {"slug": tenant.slug, "name": tenant.name},
        "pools": [
            {
                **named(without_secrets(write["pool"](pool)), names),
                "backends": [left_out(write["backend"](one), "pool") for one in backends[pool.pk]],
            }
            for pool in pools
        ],
        "routes": sorted((named(write["route"](one), names) for one in Route.objects.order_by("pk")), key=canonical),
    }


def writer(form: Form) -> Callable[[Any], dict[str, Any]]:
    serializer = writable(form.serializer())
    return lambda thing: plain(serializer.to_representation(thing))


def writable(serializer: Any) -> Any:
    """Only what may be sent: ids, times and what is observed are not part of a configuration."""
    for name, field in list(serializer.fields.items()):
        if field.read_only:
            serializer.fields.pop(name)
        elif isinstance(field, serializers.Serializer):
            writable(field)
    return serializer


def plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): plain(below) for name, below in value.items()}
    return [plain(below) for below in value] if isinstance(value, list | tuple) else value


def canonical(value: Any) -> str:
    """Routes by host and path first, as their fields stand."""
    return json.dumps([value.get("host"), value.get("path_prefix"), value], sort_keys=True)


def left_out(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: below for key, below in value.items() if key != name}


def named(value: Any, names: Mapping[str, str], field: str = "") -> Any:
    """Ids of pools → what `names` says, wherever a field names one."""
    if isinstance(value, dict):
        return {name: named(below, names, name) for name, below in value.items()}
    if isinstance(value, list):
        return [named(below, names, field) for below in value]
    return names.get(value, value) if isinstance(value, str) and names_pool(field) else value


def without_secrets(value: dict[str, Any]) -> dict[str, Any]:
    for outer, inner in SECRET:
        if value.get(outer, {}).get(inner):
            value[outer] = {**value[outer], inner: dict.fromkeys(value[outer][inner], HIDDEN)}
    return value


def as_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_yaml(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=False, width=120)


def as_terraform(document: Mapping[str, Any]) -> str:
    """HCL: a resource for each object, which point at each other."""
    labels: dict[str, str] = {}
    for pool in document["pools"]:
        labels[pool["name"]] = label(pool["name"], labels.values())
    blocks = [f"# {FORMAT}, of {document['tenant']['slug']}\n"]
    for pool in document["pools"]:
        blocks.append(block("pool", labels[pool["name"]], left_out(pool, "backends"), labels))
        blocks += [
            block("backend", f"{labels[pool['name']]}_{number}", {"pool": pool["name"], **backend}, labels)
            for number, backend in enumerate(pool["backends"], 1)
        ]
    blocks += [block("route", f"route_{number}", route, labels) for number, route in enumerate(document["routes"], 1)]
    return "\n".join(blocks)


def label(name: str, taken: Any) -> str:
    base = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_") or "pool"
    base = base if base[0].isalpha() else f"p_{base}"
    several = (base, *(f"{base}_{n}" for n in range(2, len(list(taken)) + 3)))
    return next(one for one in several if one not in taken)


def block(kind: str, name: str, fields: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    lines = "".join(f"  {key} = {hcl(value, key, labels, 1)}\n" for key, value in fields.items() if value is not None)
    return f'resource "veloflux_{kind}" "{name}" {{\n{lines}}}\n'


def hcl(value: Any, field: str, labels: Mapping[str, str], depth: int) -> str:
    pad = "  " * (depth + 1)
    if isinstance(value, dict):
        inner = "".join(f"{pad}{quoted(key)} = {hcl(one, key, labels, depth + 1)}\n" for key, one in value.items())
        return f"{{\n{inner}{'  ' * depth}}}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(hcl(one, field, labels, depth) for one in value)}]"
    if isinstance(value, str):
        return f"veloflux_pool.{labels[value]}.id" if names_pool(field) and value in labels else quoted(value)
    return json.dumps(value)


def quoted(text: str) -> str:
    """`${` and `%{` would begin an expression."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


class Plan:
    """What brings the rows to a document. `where`: a pointer into the document for each operation."""

    def __init__(self, document: Document, *, replace: bool) -> None:
        self.operations: list[Operation] = []
        self.where: list[str] = []
        self.notes = list(document.notes)
        self.pools = {pool.name: pool for pool in Pool.objects.all()}
        self.write = {kind: writer(FORMS[kind]) for kind in FORMS}
        self.ids = {name: pool.pk for name, pool in self.pools.items()}
        self.kept: set[str] = set()
        for pool in document.pools:
            if isinstance(pool.get("name"), str):
                self.ids.setdefault(pool["name"], new_id())
        self._pools(document)
        self._routes(document)
        if replace:
            self._deletions()

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

    def _deletions(self) -> None:
        """A pool's backends go with it."""
        left = {
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
        return self.where[index] + below.removeprefix("/data")


def _list(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())
