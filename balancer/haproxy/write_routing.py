"""What a route is beyond host, prefix and pool, as plain values. What is as it always was has no field: the digests of
states from before stay, and older nodes read them."""

from dataclasses import fields
from typing import Any

from .desired import Route
from .routing import Action, Cache, Condition, Cors, Handling, HeaderEdit, Maintenance, PathMatch, Rewrite, Share

Plain = dict[str, Any]


def write_route(route: Route) -> Plain:
    told: Plain = {"key": route.key, "host": route.host, "path_prefix": route.path_prefix, "pool": route.pool}
    if route.priority:
        told["priority"] = route.priority
    if route.match.path is not PathMatch.PREFIX:
        told["path"] = route.match.path.value
    if route.match.conditions:
        told["conditions"] = [_condition(one) for one in route.match.conditions]
    if route.action != Action():
        told["action"] = _action(route.action)
    if route.handling != Handling():
        told["handling"] = _handling(route.handling)
    return told


def _condition(one: Condition) -> Plain:
    return {"type": one.type.value, "op": one.op.value, "name": one.name, "value": one.value, "negate": one.negate}


def _action(action: Action) -> Plain:
    return {
        "type": action.type.value,
        "shares": [_share(one) for one in action.shares],
        "url": action.url,
        "prefix": action.prefix,
        "code": action.code,
        "status": action.status,
        "content_type": action.content_type,
        "body": action.body,
    }


def _share(share: Share) -> Plain:
    return {"pool": share.pool, "weight": share.weight}


def _handling(handling: Handling) -> Plain:
    usual = Handling()
    return {
        each.name: _written(value)
        for each in fields(Handling)
        if (value := getattr(handling, each.name)) != getattr(usual, each.name)
    }


def _written(value: object) -> object:
    match value:
        case tuple():
            return [_written(one) for one in value]
        case Rewrite(prefix, regex, replacement, host):
            return {"prefix": prefix, "regex": regex, "replacement": replacement, "host": host}
        case HeaderEdit(action, name, text):
            return {"action": action.value, "name": name, "value": text}
        case Cors(origins, methods, headers, exposed, credentials, max_age_s):
            return {"origins": list(origins), "methods": list(methods), "headers": list(headers),
                    "exposed": list(exposed), "credentials": credentials, "max_age_s": max_age_s}  # fmt: skip
        case Maintenance(body, content_type, retry_after_s):
            return {"body": body, "content_type": content_type, "retry_after_s": retry_after_s}
        case Cache(ttl_s, max_object, cookies, purged):
            told = {"ttl_s": ttl_s, "max_object": max_object, "cookies": cookies}
            return {**told, "purged": purged} if purged else told
    return value
