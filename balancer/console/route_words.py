"""A route in one line: whom it takes, and what it does with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from balancer.console.route_fields import LOOKED_AT, NOT, OPS
from balancer.haproxy.routing import Act, PathMatch
from balancer.haproxy.sites import order
from balancer.models import Route
from balancer.queries import desired_state

Names = Mapping[str, str]  # a pool's id → its name


@dataclass(frozen=True, slots=True)
class Line:
    """`does` is empty where all it does is to lead to its pool."""

    path: str
    when: str
    does: str
    more: str


def line(route: Route, names: Names) -> Line:
    return Line(path(route), when(route), does(route, names), more(route))


def in_order(found: list[Route]) -> list[Route]:
    """By host, and in a host as they are tried."""
    return sorted(found, key=lambda route: (route.host, order(desired_state.value(route))))


def path(route: Route) -> str:
    match route.path_match:
        case PathMatch.EXACT:
            return _("exactly")
        case PathMatch.REGEX:
            return _("as an expression")
    return ""


def when(route: Route) -> str:
    return " · ".join(map(condition, route.conditions))


def condition(one: Mapping[str, Any]) -> str:
    op = OPS[(NOT if one["negate"] else "") + one["op"]]
    return " ".join(str(part) for part in (LOOKED_AT[one["type"]], one["name"], op, one["value"]) if part)


def does(route: Route, names: Names) -> str:
    action = route.action
    if route.maintenance:
        return _("503: maintenance")
    match action["type"]:
        case Act.WEIGHTED:
            return " · ".join(f"{names.get(one['pool'], one['pool'])} {one['weight']}" for one in action["pools"])
        case Act.REDIRECT:
            to = action.get("url") or action["prefix"] + "…"
            return f"{action['code']} → {to}"
        case Act.RESPOND:
            return _("answers %(status)d itself") % {"status": action["status"]}
    return ""


def more(route: Route) -> str:
    headers = len(route.request_headers) + len(route.response_headers)
    said = [
        (bool(route.rewrite), _("rewrites")),
        (bool(headers), ngettext("%(count)d header", "%(count)d headers", headers) % {"count": headers}),
        (route.cors is not None, "CORS"),
        (route.timeout_ms is not None, _("timeout")),
        (route.max_body is not None, _("body limit")),
        (route.compression, _("compresses")),
        (route.cache is not None, _("keeps answers")),
    ]
    return ", ".join(words for holds, words in said if holds)
