"""Prometheus text of all processes, on a port of its own that serves nothing else.

    python -m veloflux_site.metrics        VELOFLUX_METRICS_PORT (8080), VELOFLUX_METRICS_BIND (127.0.0.1)

The web and worker processes' numbers come from their files; nodes, queues and parts are asked at each scrape.
"""

import os
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "veloflux_site.settings")

import django
import psycopg
import redis
import structlog
from django.conf import settings
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from balancer.queries import health, name_counts, status, store, system

log = structlog.get_logger(__name__)

PATH = "/metrics"


class Parts(Collector):
    """The service's own parts, and which build it is."""

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("veloflux_part_up", "Whether a part answers.", labels=("part",))
        took = GaugeMetricFamily("veloflux_part_latency_seconds", "How long it took to answer.", labels=("part",))
        for part in health.parts():
            up.add_metric((part.name,), float(part.up))
            took.add_metric((part.name,), part.latency)
        working = GaugeMetricFamily("veloflux_workers", "Workers that finished a task within half a minute.")
        working.add_metric((), float(system.workers(now=timezone.now()).working))
        leader = GaugeMetricFamily("veloflux_leader_held", "Whether a beat holds the leader's lock.")
        leader.add_metric((), float(bool(system.leader().held)))
        build = InfoMetricFamily("veloflux_build", "What runs here.", value={"version": settings.VERSION})
        return [up, took, working, leader, build]


class Queues(Collector):
    """Messages that wait for a worker. Absent while Redis is: nothing is known then, and 0 would say it is well."""

    def collect(self) -> Iterable[Metric]:
        depth = GaugeMetricFamily("veloflux_queue_messages", "Messages waiting, by queue.", labels=("queue",))
        pipe = store.client().pipeline(transaction=False)
        for queue in store.QUEUES:
            pipe.llen(queue)
        try:
            for queue, waiting in zip(store.QUEUES, pipe.execute(), strict=True):
                depth.add_metric((queue,), float(waiting))
        except redis.RedisError as error:
            log.warning("queues_not_read", error=type(error).__name__)
        return [depth]


class Nodes(Collector):
    """Each node by its name, which staff gave it."""

    SHOWN = (
        ("up", "Whether it has spoken within fifteen seconds and its HAProxy answers."),
        ("heartbeat_age_seconds", "Time since it spoke."),
        ("generation", "The newest snapshot it has taken."),
        ("sessions", "Open sessions."),
        ("session_rate", "New sessions a second."),
        ("requests", "Requests since its HAProxy started."),
        ("uptime_seconds", "Time since its HAProxy started."),
        ("drift_lines", "Differences from what it last took."),
    )

    def collect(self) -> Iterable[Metric]:
        families = [GaugeMetricFamily(f"veloflux_node_{name}", text, labels=("node",)) for name, text in self.SHOWN]
        version = InfoMetricFamily("veloflux_node", "What each node runs.", labels=("node",))
        for node in status.nodes(now=timezone.now()):
            values = (
                float(node.counts),
                node.age,
                node.generation,
                node.sessions,
                node.rate,
                node.requests,
                node.uptime,
                node.drift,
            )
            for family, value in zip(families, values, strict=True):
                family.add_metric((node.name,), float(value))
            version.add_metric((node.name,), {"haproxy": node.version})
        return [*families, version]


class Names(Collector):
    """The names that backends go by, which we look up. Absent while the database does not answer."""

    def collect(self) -> Iterable[Metric]:
        known = GaugeMetricFamily("veloflux_backend_names", "Names that backends go by.")
        due = GaugeMetricFamily("veloflux_backend_names_due", "Names whose next look-up is due.")
        failing = GaugeMetricFamily("veloflux_backend_names_failing", "Names whose last look-up found nothing to use.")
        late = GaugeMetricFamily("veloflux_backend_names_late_seconds", "How long the first of those due waits.")
        try:
            found = name_counts.names(now=timezone.now())
        except psycopg.Error as error:
            log.warning("names_not_counted", error=type(error).__name__)
            return []
        known.add_metric((), float(found.known))
        due.add_metric((), float(found.due))
        failing.add_metric((), float(found.failing))
        late.add_metric((), max(0.0, found.late))
        return [known, due, failing, late]


def registry() -> CollectorRegistry:
    """A new one for each scrape: the collector of files reads them anew."""
    made = CollectorRegistry()
    if Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR") or "/nonexistent").is_dir():
        MultiProcessCollector(made)  # type: ignore[no-untyped-call]
    for collector in (Parts(), Queues(), Nodes(), Names()):
        made.register(collector)
    return made


class Handler(BaseHTTPRequestHandler):
    """GET and HEAD of one path."""

    server_version = "veloflux"
    sys_version = ""
    timeout = 10

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        found = self.path.partition("?")[0] == PATH
        text = generate_latest(registry()) if found else b"Only /metrics is here.\n"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST if found else "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if body:
            self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """A scrape every few seconds is not news."""


def main() -> None:
    django.setup()
    bind, port = (
        os.environ.get("VELOFLUX_METRICS_BIND", "127.0.0.1"),
        int(os.environ.get("VELOFLUX_METRICS_PORT", "8080")),
    )
    with ThreadingHTTPServer((bind, port), Handler) as server:
        server.daemon_threads = True
        log.info("metrics_served", port=port)
        server.serve_forever()


if __name__ == "__main__":
    main()
