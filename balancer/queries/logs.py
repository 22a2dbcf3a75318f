"""A tenant's newest access lines, filtered; one round trip, no row of the database."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

from balancer.haproxy.naming import id_and_moves
from balancer.queries import store

PREFIXES = {4: 24, 6: 48}  # what is left of an address that is masked: 80 bits of IPv6 are a household's and more
NO_SERVER = "<NOSRV>"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty: all. `status_class` is a code's first digit, `path` a prefix; times are when a request began."""

    status: int = 0
    status_class: int = 0
    host: str = ""
    path: str = ""
    method: str = ""
    id: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def fits(self, line: Mapping[str, Any]) -> bool:
        at: float = line["at"]
        return (
            (not self.status or line["status"] == self.status)
            and (not self.status_class or line["status"] // 100 == self.status_class)
            and (not self.host or line["host"] == self.host.lower())
            and line["path"].startswith(self.path)
            and (not self.method or line["method"] == self.method)
            and (not self.id or line["id"] == self.id)
            and (self.since is None or at >= self.since.timestamp())
            and (self.until is None or at < self.until.timestamp())
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. `after` is the cursor of the next page, "" on the last; `left_out` counts lines that were not kept
    while the ring was filled."""

    lines: tuple[dict[str, Any], ...]
    after: str
    left_out: int


def of(tenant_key: str, wanted: Wanted, *, before: str = "", size: int, masked: bool) -> Page:
    """Lines that came before the cursor `before`; `masked`: without the last part of addresses.

    Raises redis.RedisError.
    """
    entries: Any = store.client().xrevrange(store.logs_key(tenant_key))
    told = [(cursor, json.loads(fields["line"])) for cursor, fields in entries]
    left_out = sum(line["left_out"] for _, line in told if "left_out" in line)
    found = list(_fitting(told, wanted, before))
    shown = found[:size]
    return Page(
        lines=tuple(_shown(line, masked=masked) for _, line in shown),
        after=shown[-1][0] if len(found) > size else "",
        left_out=left_out,
    )


def _fitting(
    told: list[tuple[str, dict[str, Any]]], wanted: Wanted, before: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    end = _place(before) if before else None
    for cursor, line in told:
        if "left_out" not in line and (end is None or _place(cursor) < end) and wanted.fits(line):
            yield cursor, line


def _place(cursor: str) -> tuple[int, int]:
    moment, _, number = cursor.partition("-")
    return int(moment), int(number or 0)


def _shown(line: Mapping[str, Any], *, masked: bool) -> dict[str, Any]:
    pool = line["proxy"].partition("_p")[2]
    return {
        "id": line["id"],
        "at": datetime.fromtimestamp(line["at"], UTC),
        "method": line["method"],
        "host": line["host"],
        "path": line["path"],
        "status": line["status"],
        "bytes": line["bytes"],
        "total_ms": line["total_ms"],
        "queue_ms": line["queue_ms"],
        "connect_ms": line["connect_ms"],
        "response_ms": line["response_ms"],
        "pool": pool or None,
        "backend": id_and_moves(line["server"])[0] if pool and line["server"] != NO_SERVER else None,
        "node": line["node"],
        "ended": line["ended"],
        "tls": line["tls"],
        "address": mask(line["source"]) if masked else line["source"],
    }


def mask(address: str) -> str:
    """The network that an address is in: of a person, only roughly where."""
    try:
        literal = ip_address(address)
    except ValueError:
        return ""
    if not isinstance(literal, IPv4Address) and literal.ipv4_mapped is not None:
        literal = literal.ipv4_mapped
    return str(ip_network((literal, PREFIXES[literal.version]), strict=False).network_address)
