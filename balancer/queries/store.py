"""Where observed state lies: Redis, under names that only this module writes down.

    status:{tenant key}              hash   {pool key}/{server key}|{node} and {pool key}|{node} -> JSON row, "at" last
    events:{tenant key}              list   the newest 100 changes of servers' health, each one JSON text
    veloflux:nodes                   hash   node name -> JSON summary, "at" = the console's clock when it spoke
    veloflux:node-tenants:{node}     set    tenant keys the node has spoken of, so that the absent can be dropped
    veloflux:heard:{node}            string JSON: which of its frames have come
    logs:{tenant key}                stream the tenant's newest access lines, each one JSON text under "line"
    veloflux:drift                   hash   node name -> JSON {"at", "lines": {tenant id: [what should be otherwise]}}
    look:{ask}                       string the tenant key that a question is about, while somebody waits for answers
    look:{ask}:answers               list   what nodes answered, each one JSON text
    veloflux:looking-names-up        lock   held by the one who looks names up; redbeat has the names of its entries
    live:paused:{tenant}:{user}      set    topics that a person has paused over the API, for a day
    veloflux:workers                 hash   Celery worker -> epoch of its last heartbeat
    veloflux:leader                  lock   held by the one beat (redbeat)

All but the lines and the events is rebuilt within 30 s: what is missing is asked for, and told again by the nodes.
Nothing here is the truth about what should run.
"""

from functools import cache

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

NODES = "veloflux:nodes"
DRIFT = "veloflux:drift"
LOOKING = "veloflux:looking-names-up"
WORKERS = "veloflux:workers"
LEADER = "veloflux:leader"
QUEUES = ("control", "reports", "status", "logs")  # the console's own; a list each

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0


def status_key(tenant_key: str) -> str:
    return f"status:{tenant_key}"


def events_key(tenant_key: str) -> str:
    return f"events:{tenant_key}"


def logs_key(tenant_key: str) -> str:
    return f"logs:{tenant_key}"


def look_key(ask: str) -> str:
    return f"look:{ask}"


def answers_key(ask: str) -> str:
    return f"look:{ask}:answers"


def paused_key(tenant_id: str, user_id: str) -> str:
    return f"live:paused:{tenant_id}:{user_id}"


def node_tenants_key(node_name: str) -> str:
    return f"veloflux:node-tenants:{node_name}"


def heard_key(node_name: str) -> str:
    return f"veloflux:heard:{node_name}"


@cache
def client() -> "redis.Redis":
    """The process's own connections (thread-safe), answering str. One retry: a restarted Redis leaves dead sockets."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


def async_client() -> "redis.asyncio.Redis":
    """A client for one event loop; the caller keeps it as long as the loop lives."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
    )
