"""The one user in Redis that each key of a node comes with: it sees the node's own keys, and goes with its key."""

import secrets
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import redis
from django.conf import settings

from balancer.edge.acl import acl_rule, queue_of


def name_of(node_id: str, number: int) -> str:
    return f"node-{node_id}" if number == 1 else f"node-{node_id}-{number}"


def give(node_id: str, number: int) -> tuple[str, str]:
    """Name and password, which is known here once: a new call makes a new one. Raises redis.RedisError."""
    user, password = name_of(node_id, number), secrets.token_urlsafe(32)
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        server.execute_command("ACL", "SETUSER", user, "reset", "on", f">{password}", *acl_rule(node_id))
        _save(server)
    return user, password


def take_back(node_id: str, *numbers: int) -> None:
    """Whoever is connected by it is disconnected (Redis's ACL DELUSER). Raises redis.RedisError."""
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        server.execute_command("ACL", "DELUSER", *(name_of(node_id, number) for number in numbers))
        _save(server)


def forget_queue(node_id: str) -> None:
    """What waited for it, and what its worker had noted. Raises redis.RedisError."""
    queue = queue_of(node_id)
    notes = [f"node.{node_id}.{name}" for name in ("unacked", "unacked_index", "unacked_mutex")]
    bindings = [f"_kombu.{kind}.{queue}" for kind in ("binding", "binding_permanent")]
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        server.delete(queue, *notes, *bindings)


def url_for(user: str, password: str, *, basis: str = "") -> str:
    """As the node's worker is to reach Redis. `basis`: where, if not where the console does. With rediss:// the
    certificate is verified, which kombu leaves out unless it is told (5.7)."""
    where = urlsplit(basis or settings.REDIS_URL)
    host = f"[{where.hostname}]" if ":" in (where.hostname or "") else where.hostname
    netloc = f"{user}:{quote(password, safe='')}@{host}:{where.port or 6379}"
    query = "ssl_cert_reqs=required" if where.scheme == "rediss" and not where.query else where.query
    return urlunsplit(where._replace(netloc=netloc, query=query))


def _save(server: Any) -> None:
    """Else a Redis that restarts has forgotten it. One without an ACL file is kept by whoever runs it."""
    with suppress(redis.ResponseError):
        server.execute_command("ACL", "SAVE")
