"""A route as rows and the API have it, and as a value: the one place where the two shapes meet.

`value_of` reads as strictly as a node does, so that what is taken here is taken there; `columns_of` says every field
of what was read, in one spelling.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from .codec_fields import BadState
from .desired import Route
from .read_routing import read_route
from .routing import Act, Action, Cache, Cors, Handling, HeaderEdit, Maintenance, Rewrite

Columns = Mapping[str, Any]
COLUMNS = (
    "path_match", "priority", "conditions", "action", "rewrite", "request_headers", "response_headers", "cors",
    "timeout_ms", "max_body", "compression", "maintenance", "cache",
)  # fmt: skip
_CONDITION = {"op": "equals", "name": "", "value": "", "negate": False}
_ACTION = {"shares": [], "url": "", "prefix": "", "code": 302, "status": 200, "content_type": "text/plain", "body": ""}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "rewrite": {each.name: "" for each in fields(Rewrite)},
    "cors": {"methods": ["GET", "HEAD", "POST"], "headers": [], "exposed": [], "credentials": False, "max_age_s": 600},
    "maintenance": {"content_type": "text/html; charset=utf-8", "retry_after_s": 300},
    "cache": {"max_object": 65536, "cookies": False},
}
# Fields of the value → of the API.
_SPELLED = (("handling.", ""), ("action.shares", "action.pools"))


def value_of(key: str, host: str, path_prefix: str, pool_id: str | None, columns: Columns) -> Route:
    """Raises BadState, its field spelled as the API does (`conditions[0].value`)."""
    try:
        return read_route(_state(key, host, path_prefix, pool_id, columns), "")
    except BadState as refusal:
        field = refusal.field
        for ours, theirs in _SPELLED:
            field = field.replace(ours, theirs)
        raise BadState("path_match" if field == "path" else field, refusal.problem) from refusal


def pointer(field: str) -> str:
    """`conditions[0].value` → `conditions/0/value`."""
    return re.sub(r"\[(\d+)\]", r"/\1", field).replace(".", "/")


def _state(key: str, host: str, path_prefix: str, pool_id: str | None, columns: Columns) -> dict[str, Any]:
    action = {**_ACTION, **_object(columns["action"], "action")}
    action["shares"] = [_share(one) for one in _list(action.pop("pools", []), "action.pools")]
    handling = {name: columns[name] for name in ("request_headers", "response_headers", "compression")}
    handling |= {name: columns[name] for name in ("timeout_ms", "max_body") if columns[name] is not None}
    for name, usual in _DEFAULTS.items():
        if columns[name]:
            handling[name] = {**usual, **_object(columns[name], name)}
    for name in ("request_headers", "response_headers"):
        handling[name] = [{"value": "", **_object(one, name)} for one in _list(columns[name], name)]
    return {
        "key": key,
        "host": host,
        "path_prefix": path_prefix,
        "pool": f"p{pool_id}" if pool_id else "",
        "priority": columns["priority"],
        "path": columns["path_match"],
        "conditions": [{**_CONDITION, **_told(one)} for one in _list(columns["conditions"], "conditions")],
        "action": action,
        "handling": handling,
    }


def _object(value: object, field: str) -> dict[str, Any]:
    """A null in it says no more than leaving it out does."""
    if not isinstance(value, Mapping):
        raise BadState(field, "not an object")
    return {name: one for name, one in value.items() if one is not None}


def _told(value: object) -> dict[str, Any]:
    return _object(value, "conditions")


def _list(value: object, field: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise BadState(field, "not a list")
    return list(value)


def _share(value: object) -> dict[str, Any]:
    share = _object(value, "action.pools")
    return {**share, "pool": f"p{share.get('pool', '')}"}


def columns_of(route: Route) -> dict[str, Any]:
    handling = route.handling
    return {
        "path_match": route.match.path.value,
        "priority": route.priority,
        "conditions": [
            {"type": one.type.value, "name": one.name or None, "op": one.op.value, "value": one.value or None,
             "negate": one.negate}
            for one in route.match.conditions
        ],
        "action": _action(route.action),
        "rewrite": {} if handling.rewrite == Rewrite() else _plain(handling.rewrite),
        "request_headers": [_header(one) for one in handling.request_headers],
        "response_headers": [_header(one) for one in handling.response_headers],
        "cors": None if handling.cors is None else _plain(handling.cors),
        "timeout_ms": handling.timeout_ms,
        "max_body": handling.max_body,
        "compression": handling.compression,
        "maintenance": None if handling.maintenance is None else _plain(handling.maintenance),
        "cache": None if handling.cache is None else _plain(handling.cache),
    }  # fmt: skip


def _action(action: Action) -> dict[str, Any]:
    match action.type:
        case Act.WEIGHTED:
            told: dict[str, Any] = {"pools": [{"pool": one.pool[1:], "weight": one.weight} for one in action.shares]}
        case Act.REDIRECT:
            told = {"prefix": action.prefix} if action.prefix else {"url": action.url}
            told["code"] = action.code
        case Act.RESPOND:
            told = {"status": action.status, "content_type": action.content_type, "body": action.body}
        case _:
            told = {}
    return {"type": action.type.value, **told}


def _header(edit: HeaderEdit) -> dict[str, Any]:
    return {"action": edit.action.value, "name": edit.name, "value": edit.value or None}


def _plain(value: Rewrite | Cors | Maintenance | Cache) -> dict[str, Any]:
    """Without the mark of a purge, which is no column's."""
    found = {each.name: getattr(value, each.name) for each in fields(value) if each.name != "purged"}
    return {name: list(one) if isinstance(one, tuple) else one for name, one in found.items()}


PLAIN = columns_of(Route("r", "a", "/", "p", handling=Handling()))
