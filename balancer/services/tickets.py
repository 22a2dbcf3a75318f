"""Single-use tickets for sockets: a browser cannot send a header with a WebSocket, and a token has no place in a URL.

Only a ticket's digest is kept, for thirty seconds. Taking one is GETDEL: of two that show it at once, one is let in.
"""

import hashlib
import json
import secrets
from typing import Any

from balancer.queries import store

SECONDS = 30


def issue(pass_: dict[str, Any]) -> str:
    """A ticket that stands for `pass_` (plain JSON) once. Raises redis.RedisError when Redis is away."""
    ticket = secrets.token_urlsafe(32)
    store.client().set(_key(ticket), json.dumps(pass_), ex=SECONDS)
    return ticket


def redeem(ticket: str) -> dict[str, Any] | None:
    """None when it is unknown, used or too old."""
    kept: Any = store.client().getdel(_key(ticket))
    return None if kept is None else dict(json.loads(kept))


def _key(ticket: str) -> str:
    return "live:ticket:" + hashlib.sha256(ticket.encode()).hexdigest()
