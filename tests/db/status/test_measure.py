"""What is counted of requests and tasks, and which request ids are taken."""

from types import SimpleNamespace

import pytest
import redis
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import ResolverMatch
from django.utils import timezone
from prometheus_client import REGISTRY

from balancer.queries import system
from balancer.queries.system import State
from veloflux_site import measure


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def counted(**labels: str) -> float:
    return REGISTRY.get_sample_value("veloflux_http_requests_total", labels) or 0.0


def test_a_request_is_counted_by_its_template() -> None:
    request = RequestFactory().get("/api/tenants/acme/pools/abc")
    request.resolver_match = ResolverMatch(answer, (), {}, route="api/tenants/<tenant>/pools/<pk>")
    before = counted(route="api/tenants/<tenant>/pools/<pk>", method="GET", status="204")
    measure.MeasureMiddleware(answer)(request)
    assert counted(route="api/tenants/<tenant>/pools/<pk>", method="GET", status="204") == before + 1
    assert "acme" not in str([sample.labels for metric in REGISTRY.collect() for sample in metric.samples])


def test_paths_and_methods_that_nobody_knows_are_one_series() -> None:
    before = counted(route="none", method="other", status="204")
    for number in range(3):
        measure.MeasureMiddleware(answer)(RequestFactory().generic(f"M{number}", f"/scan/{number}"))
    assert counted(route="none", method="other", status="204") == before + 3


@pytest.mark.parametrize("good", ["abc-123_x.Y", "a" * 64])
def test_a_request_id_of_the_client_is_kept(good: str) -> None:
    assert kept_id(good) == good


@pytest.mark.parametrize("bad", ["", "a" * 65, 'x" evil="1', "a b", "é", "a\tb"])
def test_what_is_no_request_id_is_dropped(bad: str) -> None:
    assert kept_id(bad) is None


def kept_id(value: str) -> str | None:
    request = RequestFactory().get("/", headers={"X-Request-ID": value})
    measure.RequestIdMiddleware(answer)(request)
    return request.headers.get("X-Request-ID")


def test_the_answer_carries_the_request_id() -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        assert measure.AnswerIdMiddleware(answer)(RequestFactory().get("/"))["X-Request-ID"] == "r-1"


def test_a_finished_task_is_counted_and_proves_the_worker(kept: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure.TaskClock, "next_beat", 0.0)
    task = SimpleNamespace(name="t.one", request=SimpleNamespace(hostname="control@here"))
    assert system.workers(now=timezone.now()).state is State.DOWN
    measure.task_began("1")
    measure.task_ended("1", task, state="SUCCESS")
    assert REGISTRY.get_sample_value("veloflux_tasks_total", {"task": "t.one", "state": "success"}) == 1
    assert REGISTRY.get_sample_value("veloflux_task_duration_seconds_count", {"task": "t.one"}) == 1
    assert system.workers(now=timezone.now()).working == 1
    measure.worker_leaves("control@here")
    assert system.workers(now=timezone.now()).state is State.DOWN


@pytest.mark.usefixtures("no_redis")
def test_a_task_does_not_fail_because_redis_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure.TaskClock, "next_beat", 0.0)
    measure.worker_beat("control@here")


def test_a_failed_task_names_its_error() -> None:
    measure.task_failed(SimpleNamespace(name="t.two"), ValueError("secret"))
    labels = {"task": "t.two", "error": "ValueError"}
    assert REGISTRY.get_sample_value("veloflux_task_failures_total", labels) == 1
