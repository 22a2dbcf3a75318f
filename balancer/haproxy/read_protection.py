"""JSON to the rules for clients and the headers of answers, as strictly as the rest of the state."""

from .codec_fields import BadState, Fields
from .networks import network, too_wide
from .protection import (
    STATUSES,
    ClientRules,
    ContentTypeOptions,
    FrameOptions,
    Hsts,
    PermissionsPolicy,
    ReferrerPolicy,
    SecurityHeaders,
)

MANY = 1_000_000_000
NETWORKS_MAX = 1000


def read_clients(value: object, at: str) -> ClientRules:
    fields = Fields(value, at)
    clients = ClientRules(
        rps=fields.whole("rps", 0, MANY),
        burst=fields.whole("burst", 0, MANY),
        status=fields.whole("status", 400, 599),
        allowed=fields.each("allowed", _network),
        proxies=fields.each("proxies", _network),
    )
    if clients.status not in STATUSES:
        raise BadState(fields.where("status"), f"not one of {', '.join(map(str, STATUSES))}")
    for name, members in (("allowed", clients.allowed), ("proxies", clients.proxies)):
        if len(members) > NETWORKS_MAX:
            raise BadState(fields.where(name), f"more than {NETWORKS_MAX}")
    fields.done()
    return clients


def _network(value: object, at: str) -> str:
    if not isinstance(value, str):
        raise BadState(at, "not text")
    try:
        found = network(value)
    except ValueError as refusal:
        raise BadState(at, "not a network") from refusal
    if too_wide(found):
        raise BadState(at, "a network of everybody")
    return value


def read_headers(value: object, at: str) -> SecurityHeaders:
    fields = Fields(value, at)
    headers = SecurityHeaders(
        hsts=fields.choice("hsts", Hsts),
        content_type_options=fields.choice("content_type_options", ContentTypeOptions),
        frame_options=fields.choice("frame_options", FrameOptions),
        referrer_policy=fields.choice("referrer_policy", ReferrerPolicy),
        permissions_policy=fields.choice("permissions_policy", PermissionsPolicy),
    )
    fields.done()
    return headers
