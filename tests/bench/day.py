"""`day.txt`: the calls of a day, and of which kind each is."""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

DAY = Path(__file__).with_name("day.txt")
LINE = re.compile(r"(before|\d\d:\d\d) +(\w+) +(\w+) +([\w-]+) +(\S+)(?: +(\{.*\}))?")
ROUTE_IS_PLAIN = frozenset({"pool", "description", "tags", "enabled"})


class Kind(StrEnum):
    """What was changed, as whoever weighs with a mix of their own would group it."""

    BACKENDS = "backends added, moved, removed"
    STATES = "drain, ready, maintenance, weights, limits of a backend"
    ROUTES = "hosts and plain routes, and where routes lead"
    SHARES = "shares of a canary"
    RULES = "routes with rules: a condition, a redirect, a timeout"
    NEW_POOLS = "new pools"
    POOLS = "how pools serve: algorithm, check, timeouts"
    GONE_POOLS = "pools removed"
    CLIENTS = "limits of clients, security headers, who may connect, purges"
    LABELS = "descriptions, tags, regions"


@dataclass(frozen=True, slots=True)
class Call:
    """One line of the day. `at` empty: before it."""

    at: str
    tenant: str
    verb: str
    resource: str
    name: str
    body: dict[str, Any]

    @property
    def kind(self) -> Kind:
        if self.body and self.body.keys() <= {"description", "tags", "region"}:
            return Kind.LABELS
        if self.resource == "backend":
            return Kind.BACKENDS if self.verb in ("add", "remove") or "address" in self.body else Kind.STATES
        if self.resource == "pool":
            return {"add": Kind.NEW_POOLS, "remove": Kind.GONE_POOLS}.get(self.verb, Kind.POOLS)
        if self.resource != "route" or self.verb == "purge":
            return Kind.CLIENTS
        if self.body.get("action", {}).get("type") == "weighted":
            return Kind.SHARES
        return Kind.ROUTES if self.body.keys() <= ROUTE_IS_PLAIN else Kind.RULES


def read(text: str) -> list[Call]:
    """Raises ValueError naming the line that is none."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"line {number}: {line}")
        at, tenant, verb, resource, name, body = match.groups()
        found.append(Call(at.removeprefix("before"), tenant, verb, resource, name, json.loads(body or "{}")))
    return found
