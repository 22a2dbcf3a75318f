"""What is counted, in web and worker processes: HTTP requests and Celery tasks. No label holds a tenant's text.

Processes share their numbers through files in `PROMETHEUS_MULTIPROC_DIR`; `veloflux_site.metrics` serves them.
"""

import re
import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from celery.signals import task_failure, task_postrun, task_prerun, worker_shutting_down
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import Counter, Histogram

from balancer.queries import store

log = structlog.get_logger(__name__)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HTTP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
TASK_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
BEAT_EVERY = 1.0  # seconds
BEATS_TTL = 600

REQUESTS = Counter(
    "veloflux_http_requests_total", "Requests answered, by route template.", ("route", "method", "status")
)
LATENCY = Histogram(
    "veloflux_http_request_duration_seconds", "Time to answer.", ("route", "method"), buckets=HTTP_BUCKETS
)
TASKS = Counter("veloflux_tasks_total", "Celery tasks finished, by what became of them.", ("task", "state"))
TASK_TIME = Histogram("veloflux_task_duration_seconds", "Time a task took.", ("task",), buckets=TASK_BUCKETS)
FAILURES = Counter("veloflux_task_failures_total", "Tasks that raised, by kind of error.", ("task", "error"))

Next = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """First of all: a request id that a client chose is kept only if it is one, so that none writes into our logs
    what it likes. The answer carries the id back. django-structlog makes one where there is none."""

    GOOD = re.compile(r"[A-Za-z0-9._-]{1,64}")

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        for name in ("HTTP_X_REQUEST_ID", "HTTP_X_CORRELATION_ID"):
            if not self.GOOD.fullmatch(request.META.get(name, "")):
                request.META.pop(name, None)
        return self.get_response(request)


class AnswerIdMiddleware:
    """Right after django-structlog's: say the request's id back, for the person who reports a fault."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        response = self.get_response(request)
        if isinstance(request_id, str):
            response.headers.setdefault("X-Request-ID", request_id)
        return response


class MeasureMiddleware:
    """Count the request by the template of its route (`api/pools/<pk>`), never by its path."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        route, method = route_of(request), request.method if request.method in METHODS else "other"
        REQUESTS.labels(route, method, str(response.status_code)).inc()
        LATENCY.labels(route, method).observe(time.perf_counter() - began)
        return response


def route_of(request: HttpRequest) -> str:
    """What no route takes is one label: a scanner's thousand paths must not become a thousand series."""
    match = request.resolver_match
    return match.route if match is not None else "none"


class TaskClock:
    """When each task under way began, by its id."""

    began: dict[str, float] = {}
    next_beat = 0.0


def task_began(task_id: str, **_: Any) -> None:
    TaskClock.began[task_id] = time.perf_counter()


def task_ended(task_id: str, task: Any, state: str | None = None, **_: Any) -> None:
    TASKS.labels(task.name, (state or "unknown").lower()).inc()
    began = TaskClock.began.pop(task_id, None)
    if began is not None:
        TASK_TIME.labels(task.name).observe(time.perf_counter() - began)
    worker_beat(str(task.request.hostname or "worker"))


def task_failed(sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:
    FAILURES.labels(getattr(sender, "name", "unknown"), type(exception).__name__).inc()


def worker_beat(name: str) -> None:
    """Work that was done is the proof that a worker works (`queries.system.workers`)."""
    if time.monotonic() < TaskClock.next_beat:
        return
    TaskClock.next_beat = time.monotonic() + BEAT_EVERY
    pipe = store.client().pipeline(transaction=False)
    pipe.hset(store.WORKERS, name, f"{timezone.now().timestamp():.3f}")
    pipe.expire(store.WORKERS, BEATS_TTL)
    try:
        pipe.execute()
    except redis.RedisError as error:
        log.warning("worker_beat_not_written", error=type(error).__name__)


def worker_leaves(sender: Any = None, **_: Any) -> None:
    try:
        store.client().hdel(store.WORKERS, str(sender))
    except redis.RedisError as error:
        log.warning("worker_beat_not_removed", error=type(error).__name__)


def watch_tasks() -> None:
    """Hook the control plane's Celery app; `celery.py` calls it once."""
    task_prerun.connect(task_began, weak=False)
    task_postrun.connect(task_ended, weak=False)
    task_failure.connect(task_failed, weak=False)
    worker_shutting_down.connect(worker_leaves, weak=False)
