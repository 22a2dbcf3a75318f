"""What a node sent, in the form it is kept in: known fields, known types, bounded text. Values in, values out."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from balancer.fleet.models import Node
from balancer.queries.observed import Oper

DETAIL_MAX = 200
POOL, TENANT = "p[a-z2-7]{12}", "(t[a-z2-7]{12})"
TENANT_KEY = re.compile(TENANT)
NAMES = {
    "servers": re.compile(rf"{TENANT}/({POOL}/b[a-z2-7]{{12}}[0-9]{{0,13}})"),
    "pools": re.compile(rf"{TENANT}/({POOL})"),
    "listeners": re.compile(rf"{TENANT}/(l[a-z2-7]{{12}})"),
}
INTEGERS = ("sessions", "rate", "weight", "queue")
POOL_INTEGERS = ("sessions", "rate", "queue", "requests", "errors_5xx", "bytes_in", "bytes_out")
LISTENER_INTEGERS = ("sessions", "rate", "in_rate", "out_rate", "connections", "bytes_in", "bytes_out")


@dataclass(frozen=True, slots=True)
class Frame:
    """`rows`: tenant key -> field without the node -> the row's JSON, open at its end (the time is added when it is
    written); empty for a server that is gone. `malformed` counts the names that were left out.

    `whole`: the tenants of whom this is everything; `there`: all that the node carries, where the frame says so.
    `number` is None of a node whose frames are not numbered yet: its full ones are everything about everybody.
    """

    body: Mapping[str, Any]
    at: float
    rows: dict[str, dict[str, str]]
    whole: frozenset[str]
    there: frozenset[str] | None
    malformed: int
    run: str = ""
    number: int | None = None
    since: int = 0

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Frame":
        rows, malformed = _rows_of(body)
        at = float(body["at"])
        if "number" not in body:
            whole = frozenset(rows) if body["full"] else frozenset()
            return cls(body, at, rows, whole, whole if body["full"] else None, malformed)
        there = frozenset(_tenants(body["tenants"])) if "tenants" in body else None
        whole = frozenset(_tenants(body["whole"]))
        return cls(
            body,
            at,
            rows,
            whole,
            there,
            malformed,
            run=str(body["run"])[:40],
            number=int(body["number"]),
            since=int(body["since"]),
        )


def _tenants(names: Iterable[Any]) -> list[str]:
    return [name for name in map(str, names) if TENANT_KEY.fullmatch(name)]


def _rows_of(body: Mapping[str, Any]) -> tuple[dict[str, dict[str, str]], int]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    malformed = 0
    for part, shape in (("servers", _server), ("pools", _pool), ("listeners", _listener)):
        for name, told in body.get(part, {}).items():
            if match := NAMES[part].fullmatch(name):
                found[match[1]][match[2]] = json.dumps(shape(told))[:-1] if told is not None else ""
            else:
                malformed += 1
    return found, malformed


def summary_of(node: Node, body: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    return {
        "id": node.pk,
        "cluster": node.cluster_id,
        "version": str(body["version"] or node.version)[:40],
        # Its own clock, so that a backlog does not look fresh; never later than ours.
        "at": round(min(float(body["at"]), now.timestamp()), 3),
        "ahead": max(0, int(float(body["at"]) - now.timestamp())),
        "generation": int(body["generation"]),
        "outcome": node.outcome,
        "sessions": int(body["sessions"]),
        "rate": int(body["rate"]),
        "requests": int(body["requests"]),
        "uptime": int(body["uptime"]),
        "pid": int(body["pid"]),
        "drift": len(body.get("drift", ())),
    }


def _server(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "oper": Oper(told["oper"]).value,
        "admin": str(told["admin"])[:12],
        **{name: int(told.get(name) or 0) for name in INTEGERS},
        "check": str(told.get("check") or "")[:20],
        "code": _integer(told.get("code")),
        "check_ms": _integer(told.get("check_ms")),
        "detail": str(told.get("detail") or "")[:DETAIL_MAX],
        "since": round(float(told["since"]), 3),
    }


def _pool(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: int(told.get(name) or 0) for name in POOL_INTEGERS}


def _listener(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: int(told.get(name) or 0) for name in LISTENER_INTEGERS}


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)
