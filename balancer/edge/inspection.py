"""What HAProxy has of one tenant, for whoever looks for a mistake: told when asked, bounded, and without a byte of what
anybody sent or was answered."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from balancer.edge.errors import UnexpectedReply
from balancer.edge.message import BadMessage, understood
from balancer.edge.node import Node
from balancer.edge.runtime import is_error
from balancer.haproxy.protocol_errors import parse_errors
from balancer.haproxy.running import MAPS, Running
from balancer.haproxy.show import (
    ENTRIES_TOLD_MOST,
    SERVERS_TOLD_MOST,
    UnexpectedText,
    parse_info,
    parse_map,
    parse_pools,
    parse_servers,
    parse_stat,
)

SERVERS_MOST, ENTRIES_MOST, ERRORS_MOST = SERVERS_TOLD_MOST, ENTRIES_TOLD_MOST, 50
LINE_MOST = 400
LATE_S = 30.0  # an older question is nobody's any more

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """`ask` names it, so that the answer finds who asked."""

    ask: str
    tenant: str

    @classmethod
    def from_body(cls, body: str, *, node: str) -> "Question":
        """Raises BadMessage."""
        return understood(body, node=node, act="look", read=cls._of)

    @classmethod
    def _of(cls, data: Mapping[str, Any]) -> "Question":
        refuse_late(float(data["sent_at"]))
        return cls(str(data["ask"]), str(data["tenant"]))


def asked_to_read(body: str, *, node: str) -> bool:
    """Whether the console asks this node to read now. Raises BadMessage where it does not, or did so long ago."""
    understood(body, node=node, act="read", read=lambda data: refuse_late(float(data["sent_at"])))
    return True


def refuse_late(sent_at: float) -> None:
    """Epoch seconds, by this node's clock: where that is ahead all questions are late, and the console says so
    (`services.inspections`). Raises BadMessage."""
    if time.time() - sent_at > LATE_S:
        raise BadMessage("The question is too old.")


def look(node: Node, question: Question) -> Json:
    """Raises NodeUnreachable, UnexpectedReply."""
    kept = node.store.kept.get(question.tenant)
    found: Json = {
        "node": node.environment.id,
        "ask": question.ask,
        "tenant": question.tenant,
        "generation": kept.loaded.generation if kept and kept.loaded else 0,
        "waits": bool(kept and kept.waiting),
    }
    info, backends, errors, *maps = node.runtime.ask_all(
        ["show info", "show backend", "show errors", *(f"show map {path}" for path in MAPS)]
    )
    told = parse_info(info)
    proxies = sorted(name for name in parse_pools(backends) if name.partition("_")[0] == question.tenant)
    servers = _servers(node, proxies)
    entries = _entries(question.tenant, dict(zip(MAPS, maps, strict=True)))
    mine = [asdict(one) for one in parse_errors(errors) if one.proxy.partition("_")[0] == question.tenant]
    return found | {
        "at": time.time(),
        "pid": int(told.get("Pid") or 0),
        "version": told.get("Version", ""),
        "pools": proxies[:SERVERS_MOST],
        "servers": dict(list(servers.items())[:SERVERS_MOST]),
        "maps": entries,
        "errors": mine[:ERRORS_MOST],
        "cut": len(servers) > SERVERS_MOST or sum(map(len, entries.values())) >= ENTRIES_MOST,
    }


def _servers(node: Node, proxies: list[str]) -> dict[str, Json]:
    """By `<proxy>/<server>`: the state, its line as HAProxy wrote it, and what the last check found."""
    replies = node.runtime.ask_all(
        [f"show servers state {proxy}" for proxy in proxies] + [f"show stat {proxy} 4 -1" for proxy in proxies]
    )
    states, stats = replies[: len(proxies)], replies[len(proxies) :]
    found: dict[str, Json] = {}
    for proxy, state, stat in zip(proxies, states, stats, strict=True):
        if is_error(state):
            continue  # it went between the two questions
        try:
            servers = parse_servers(state)
        except UnexpectedText as error:
            raise UnexpectedReply(f"show servers state {proxy}", state[:200]) from error
        lines = {row[3]: line for line in state.splitlines() if len(row := line.split(" ")) > 4}
        rows = {row["svname"]: row for row in ([] if is_error(stat) else parse_stat(stat))}
        for (_, name), one in servers.items():
            found[f"{proxy}/{name}"] = {
                **asdict(one),
                **_checked(rows.get(name, {})),
                "raw": lines.get(name, "")[:LINE_MOST],
            }
    return found


def _checked(row: Mapping[str, str]) -> Json:
    return {
        "check": row.get("check_status", "").removeprefix("* "),
        "code": _number(row.get("check_code", "")),
        "check_ms": _number(row.get("check_duration", "")),
        "detail": row.get("last_chk", "")[:200],
        "changed_s": _number(row.get("lastchg", "")),
        "sessions": _number(row.get("scur", "")) or 0,
        "rate": _number(row.get("rate", "")) or 0,
        "queue": _number(row.get("qcur", "")) or 0,
        "total": _number(row.get("stot", "")) or 0,
    }


def _entries(tenant: str, texts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What is the tenant's in each map, by key or by value."""
    running = Running(maps={path: {} if is_error(text) else parse_map(text) for path, text in texts.items()})
    found: dict[str, dict[str, str]] = {}
    left = ENTRIES_MOST
    for path, entries in running.maps.items():
        keys = [*running.entries_of.get(tenant, {}).get(path, ())][:left]
        left -= len(keys)
        found[path] = {key: entries[key][:LINE_MOST] for key in keys}
    return found


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
