"""A tenant's configuration as one document, by names instead of ids: read from text, and what brings the rows there.

A reader of another form (`cfg_reader`) makes the same `Document`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from balancer.haproxy.cfg.fates import Told
from tenants.errors import FieldError, InvalidField, Refused
from tenants.restkit.parsers import MOST, refuse_too_many, refuse_unprintable

FORMAT = "veloflux/1"
DEEPEST = 20
PROTECTED = ("rate_limit", "security_headers")
PARTS = ("pools", "routes", "listeners", "protection")


class Unreadable(Refused):
    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail, "unreadable", 422, (FieldError(pointer, "unreadable", detail),))


@dataclass(frozen=True, slots=True)
class Document:
    """`pools` with their `backends` inside, `routes`, `listeners`, `protection`; each as the API shows it, without ids.
    None of the last two: the document says nothing of them. `notes`: what a reader could not take, in sentences.
    Of an haproxy.cfg `told` is the fate of every line, `where` says which one a pointer came from."""

    pools: list[Mapping[str, Any]]
    routes: list[Mapping[str, Any]]
    notes: list[str] = field(default_factory=list)
    listeners: list[Mapping[str, Any]] | None = None
    protection: Mapping[str, Any] | None = None
    told: Sequence[Told] = ()
    where: Mapping[str, int] = field(default_factory=dict)
    hosts: Sequence[str] = ()

    def line_of(self, pointer: str) -> int | None:
        """The line of an haproxy.cfg that is at fault for what a pointer points at."""
        while pointer and pointer not in self.where:
            pointer = pointer.rpartition("/")[0]
        return self.where.get(pointer)


def read_json(text: str) -> Document:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"This is not JSON: {str(error)[:200]}.") from error
    return of_data(found)


class PlainLoader(yaml.SafeLoader):
    """Values and nothing else: no types of a language, no aliases (a few lines of them make gigabytes), and a key
    stands once."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not taken; write the value out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
        if twice is not None:
            raise yaml.YAMLError(f"the key {str(twice)[:80]!r} stands twice")
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


# A moment or a number in base 60 is text here, as it is in JSON.
PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: str) -> Document:
    try:
        found = yaml.load(text, Loader=PlainLoader)  # noqa: S506 - a safe loader, stricter than PyYAML's own
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"This is not YAML that we take: {' '.join(str(error).split())[:300]}.") from error
    return of_data(found)


READERS: dict[str, Callable[[str], Document]] = {"json": read_json, "yaml": read_yaml}


def read(text: str, form: str) -> Document:
    """Raise `Unreadable`."""
    if len(text.encode()) > MOST:
        raise Unreadable(f"The document is larger than {MOST // 1024} KiB; send it in parts.")
    return READERS[form](text)


def of_data(found: Any) -> Document:
    """The outline only; each object is judged by its own serializer."""
    if not isinstance(found, dict):
        raise Unreadable("The document is an object with “format”, “pools”, “routes” and “listeners”.")
    refuse_deep(found)
    refuse_too_many(found)
    refuse_unprintable(found)
    if found.get("format") != FORMAT:
        raise InvalidField("format", f"This reads {FORMAT}; the document says {str(found.get('format'))[:40]!r}.")
    unknown = sorted(str(name) for name in found.keys() - {"format", "tenant", *PARTS})
    if unknown:
        raise InvalidField(
            unknown[0][:80], f"There is no such part of a document. There is: {', '.join(PARTS)}.", "unknown"
        )
    return Document(
        objects_of(found, "pools"),
        objects_of(found, "routes"),
        listeners=objects_of(found, "listeners") if "listeners" in found else None,
        protection=parts_of(found["protection"]) if "protection" in found else None,
    )


def parts_of(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise InvalidField("protection", "This is an object.")
    unknown = sorted(found.keys() - set(PROTECTED))
    if unknown:
        raise InvalidField(
            f"protection/{unknown[0][:80]}", f"There is no such part. There is: {', '.join(PROTECTED)}.", "unknown"
        )
    return found


def objects_of(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    objects = found.get(name, [])
    if not isinstance(objects, list) or not all(isinstance(one, dict) for one in objects):
        raise InvalidField(name, "This is a list of objects.")
    return objects


def refuse_deep(data: Any) -> None:
    """And what JSON cannot say: a name that is no text."""
    waiting = [(data, 1)]
    while waiting:
        inside, depth = waiting.pop()
        if depth > DEEPEST:
            raise Unreadable("The document is nested too deeply.")
        if isinstance(inside, dict) and not all(isinstance(name, str) for name in inside):
            raise Unreadable("The names of fields are text.")
        below = inside.values() if isinstance(inside, dict) else inside if isinstance(inside, list) else ()
        waiting.extend((one, depth + 1) for one in below if isinstance(one, dict | list))
