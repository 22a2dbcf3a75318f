"""JSON to what a route is beyond host, prefix and pool. A node trusts nobody: each text and bound is looked
at again."""

from collections.abc import Callable

from .codec_fields import BadState, Fields
from .desired import Route
from .networks import network
from .read_handling import read_handling
from .read_parts import many, optional, page_of, text_or_none
from .routing import (
    ANY_REQUEST,
    AS_IT_IS,
    MANY_CONDITIONS,
    MANY_LISTED,
    MANY_SHARES,
    REDIRECTS,
    TO_ITS_POOL,
    Act,
    Action,
    Condition,
    Match,
    On,
    Op,
    PathMatch,
    Share,
)
from .text import Unprintable, content_type, host, http_method, name, path_prefix, quoted, regex, url

PRIORITY_MAX = 1000


def read_route(value: object, at: str) -> Route:
    fields = Fields(value, at)
    path = fields.choice("path", PathMatch) if fields.has("path") else PathMatch.PREFIX
    action = optional(fields, "action", _action, TO_ITS_POOL)
    match = Match(path, many(fields, "conditions", _condition, MANY_CONDITIONS))
    route = Route(
        key=fields.key("key"),
        host=fields.checked("host", fields.text("host"), host),
        path_prefix=fields.checked(
            "path_prefix", fields.text("path_prefix"), regex if path is PathMatch.REGEX else path_prefix
        ),
        pool=fields.key("pool") if action.type is Act.POOL else _nothing(fields, "pool"),
        priority=fields.whole("priority", -PRIORITY_MAX, PRIORITY_MAX) if fields.has("priority") else 0,
        match=ANY_REQUEST if match == ANY_REQUEST else match,
        action=action,
        handling=optional(fields, "handling", read_handling, AS_IT_IS),
    )
    if route.handling.cache and action.type not in (Act.POOL, Act.WEIGHTED):
        raise BadState(fields.where("handling.cache"), "only answers of a pool can be kept")
    fields.done()
    return route


def _nothing(fields: Fields, field: str) -> str:
    if fields.text(field):
        raise BadState(fields.where(field), "a pool that nothing is sent to")
    return ""


def _condition(value: object, at: str) -> Condition:
    fields = Fields(value, at)
    one = Condition(
        fields.choice("type", On),
        fields.choice("op", Op),
        fields.text("name"),
        fields.text("value"),
        fields.yes_or_no("negate"),
    )
    if one.type in (On.METHOD, On.SOURCE):
        _bare(fields, one)
    else:
        fields.checked("name", one.name, name)
        fields.checked("value", one.value, regex if one.op is Op.REGEX else _compared(one.op))
    fields.done()
    return one


def _bare(fields: Fields, one: Condition) -> None:
    if one.name or one.op is not Op.EQUALS or one.value.count(",") >= MANY_LISTED:
        raise BadState(fields.where("op"), "a list of values to equal, and no name")
    for each in one.value.split(","):
        fields.checked("value", each, http_method if one.type is On.METHOD else _network)


def _network(value: str) -> str:
    try:
        return str(network(value))
    except ValueError as refusal:
        raise Unprintable("no network") from refusal


def _compared(op: Op) -> Callable[[str], str]:
    def check(value: str) -> str:
        if (value == "") is not (op is Op.PRESENT):
            raise Unprintable("nothing to compare with" if op is not Op.PRESENT else "a value that is not looked at")
        return quoted(value)

    return check


def _action(value: object, at: str) -> Action:
    fields = Fields(value, at)
    action = Action(
        type=fields.choice("type", Act),
        shares=many(fields, "shares", _share, MANY_SHARES),
        url=text_or_none(fields, "url", url),
        prefix=text_or_none(fields, "prefix", url),
        code=fields.whole("code", 301, 308),
        status=fields.whole("status", 200, 599),
        content_type=fields.checked("content_type", fields.text("content_type"), content_type),
        body=page_of(fields),
    )
    if action.type is Act.WEIGHTED and not any(share.weight for share in action.shares):
        raise BadState(fields.where("shares"), "nobody has a weight")
    if action.type is Act.REDIRECT and (action.code not in REDIRECTS or bool(action.url) is bool(action.prefix)):
        raise BadState(fields.where("url"), "neither a URL nor a prefix, or no code of a redirect")
    fields.done()
    return action


def _share(value: object, at: str) -> Share:
    fields = Fields(value, at)
    share = Share(fields.key("pool"), fields.whole("weight", 0, 100))
    fields.done()
    return share
