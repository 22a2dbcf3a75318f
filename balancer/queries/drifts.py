"""What nodes found to run otherwise than it was told, line by line: kept in Redis until it is put right."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from balancer.queries import store

Lines = Mapping[str, list[str]]  # by tenant's id


@dataclass(frozen=True, slots=True)
class Drift:
    """`at`: epoch seconds of the frame that told it first."""

    at: float
    lines: Lines


NONE = Drift(0.0, {})


def of_node(name: str) -> Drift:
    """Raise redis.RedisError."""
    told: Any = store.client().hget(store.DRIFT, name)
    return _read(told) if told else NONE


def all_nodes() -> dict[str, Drift]:
    """By node; nothing where Redis is away."""
    try:
        told: Any = store.client().hgetall(store.DRIFT)
    except redis.RedisError:
        return {}
    return {name: _read(text) for name, text in sorted(told.items())}


def _read(text: str) -> Drift:
    told = json.loads(text)
    return Drift(float(told["at"]), told["lines"])
