"""How this process, the database, Redis and the queues fare, and what took long: for staff who look for a cause.

Read when asked for, remembered by nobody. No query's text, no host and no credential is in it.
"""

import json
import os
import resource
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import redis
from django.db import connection
from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from balancer.edge.acl import queue_of
from balancer.fleet.models import JOINED, Node
from balancer.queries import store, system
from tenants.scope import platform_scope

REQUESTS, TASKS = "veloflux_http_request_duration_seconds", "veloflux_task_duration_seconds"
SHOWN = 20
PERCENT = 0.95
DATABASE = """
SELECT pg_database_size(current_database()),
       current_setting('max_connections')::int,
       (SELECT jsonb_object_agg(state, n) FROM (
           SELECT coalesce(state, 'other') AS state, count(*) AS n FROM pg_stat_activity
           WHERE datname = current_database() GROUP BY 1) AS by_state),
       (SELECT extract(epoch FROM max(now() - xact_start)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid())
"""


@dataclass(frozen=True, slots=True)
class Slow:
    """One histogram. Seconds; `p95_at_most` is the bucket's bound, None where that is beyond the last."""

    labels: Mapping[str, str]
    count: int
    mean: float
    p95_at_most: float | None


def of_process() -> dict[str, Any]:
    """The one that answers: others may fare otherwise."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "pid": os.getpid(),
        "uptime_seconds": round(system.uptime(), 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "memory_bytes": int(told["VmRSS"].split()[0]) * 1024,
        "threads": int(told["Threads"]),
        "open_files": sum(1 for _ in Path("/proc/self/fd").iterdir()),
    }


def of_database() -> dict[str, Any]:
    """`longest_transaction_seconds`: of any session but this one; None where there is none."""
    began = time.perf_counter()
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute(DATABASE)
        size, most, states, longest = cursor.fetchone()
    return {
        "latency_ms": _ms(began),
        "size_bytes": size,
        "connections": json.loads(states),
        "connections_most": most,
        "longest_transaction_seconds": None if longest is None else round(float(longest), 1),
    }


def of_redis() -> dict[str, Any]:
    """Raises redis.RedisError."""
    began = time.perf_counter()
    told: Any = store.client().info()
    return {
        "latency_ms": _ms(began),
        "memory_bytes": told["used_memory"],
        "memory_peak_bytes": told["used_memory_peak"],
        "clients": told["connected_clients"],
        "commands_per_second": told["instantaneous_ops_per_sec"],
        "evicted_keys": told["evicted_keys"],
    }


def of_queues() -> dict[str, int]:
    """Messages that wait, by queue; a node's has its name after a dot. Raises redis.RedisError."""
    with platform_scope():
        nodes = list(Node.objects.filter(JOINED).order_by("name"))
    keys = {**{name: name for name in store.QUEUES}, **{f"node.{node.name}": queue_of(node.pk) for node in nodes}}
    pipe = store.client().pipeline(transaction=False)
    for key in keys.values():
        pipe.llen(key)
    return dict(zip(keys, pipe.execute(), strict=True))


def asked_of(part: Any) -> dict[str, Any] | None:
    """None while Redis is away: what is not known is not nought."""
    try:
        found: dict[str, Any] = part()
    except redis.RedisError:
        return None
    return found


def slowest(name: str) -> list[Slow]:
    """Of all processes since they started, by the time that they took together."""
    found = [slow for metric in _metrics() if metric.name == name for slow in _histograms(metric)]
    return sorted(found, key=lambda one: -one.mean * one.count)[:SHOWN]


def _metrics() -> Iterable[Metric]:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder:
        return REGISTRY.collect()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    return registry.collect()


def _histograms(metric: Metric) -> Iterator[Slow]:
    sums: dict[tuple[tuple[str, str], ...], float] = {}
    below: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    for sample in metric.samples:
        labels = dict(sample.labels)
        bound = labels.pop("le", None)
        key = tuple(sorted(labels.items()))
        if bound is not None:
            below.setdefault(key, []).append((float(bound), sample.value))
        elif sample.name.endswith("_sum"):
            sums[key] = sample.value
    for key, counts in below.items():
        count = max(value for _, value in counts)
        if count:
            bound_of = next(bound for bound, value in sorted(counts) if value >= PERCENT * count)
            yield Slow(dict(key), int(count), sums[key] / count, bound_of if isfinite(bound_of) else None)


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
