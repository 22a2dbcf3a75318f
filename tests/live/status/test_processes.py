"""Health and metrics of real processes."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from balancer.queries import store
from tests.conftest import World
from tests.db.status.frames import name, server
from tests.live.stack import Program, environment, free_port, until
from tests.live.status.conftest import Site, web

pytestmark = pytest.mark.live
HEALTHY, UNHEALTHY = b'{"status":"healthy"}', b'{"status":"unhealthy"}'
# What a worker process does: count, and be gone.
COUNT = "import django; django.setup(); from veloflux_site import measure; measure.TASKS.labels('t', 'success').inc(3)"


def test_health_follows_redis_away_and_back(site: Site) -> None:
    assert httpx.get(site.url + "/health").content == HEALTHY
    site.redis.stop()
    try:
        until(lambda: httpx.get(site.url + "/health").status_code == 503, what="503")
        assert httpx.get(site.url + "/health").content == UNHEALTHY
        assert httpx.get(site.url + "/health/ready").json()["failing"] == ["redis"]
        assert httpx.get(site.url + "/health/live").status_code == 200
    finally:
        site.redis.start()
    until(lambda: httpx.get(site.url + "/health").content == HEALTHY, what="healthy again")


def test_health_is_answered_in_time_when_nothing_behind_it_answers(committed: World, tmp_path: Path) -> None:
    """A Redis that takes the connection and never speaks."""
    import socket

    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        program, port = web(tmp_path, f"redis://127.0.0.1:{mute.getsockname()[1]}/0")
        try:
            until(lambda: httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200, what="a console")
            began = time.monotonic()
            answer = httpx.get(f"http://127.0.0.1:{port}/health", timeout=20)
            assert (answer.status_code, answer.content) == (503, UNHEALTHY)
            assert time.monotonic() - began < 10
        finally:
            program.kill()


def test_metrics_are_valid_and_alone_on_their_port(site: Site, committed: World, tmp_path: Path) -> None:
    site.observe({name(committed.ours): server()}, full=True)
    store.client().rpush("status", "one", "two")
    env = environment(tmp_path, "postgres://nobody@127.0.0.1:1/none", site.redis.url)
    env["VELOFLUX_METRICS_PORT"] = str(port := free_port())
    subprocess.run([sys.executable, "-c", COUNT], env=env, check=True, timeout=60)
    program = Program("metrics", [sys.executable, "-m", "veloflux_site.metrics"], env, tmp_path / "metrics.log")
    program.start()
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: httpx.get(url + "/metrics").status_code == 200, what="metrics")
        answer = httpx.get(url + "/metrics")
        for path in ("/", "/health", "/metrics/x", "/api/status"):
            assert httpx.get(url + path).status_code == 404
        assert httpx.post(url + "/metrics").status_code == 501
    finally:
        program.kill()
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    said = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert said["veloflux_part_up", "database"] == 0
    assert said["veloflux_part_up", "redis"] == 1
    assert said["veloflux_node_up", "n1"] == said["veloflux_node_up", "n2"] == 1
    assert said["veloflux_node_sessions", "n1"] == 5
    assert said["veloflux_queue_messages", "status"] == 2
    assert said["veloflux_queue_messages", "control"] == 0
    assert said["veloflux_tasks_total", "success", "t"] == 3, "of a process that is gone"
    assert said["veloflux_build_info", "0.1.0"] == 1
    assert said["veloflux_node_info", "2.6.12", "n1"] == 1
    check_names(answer.text)
    assert committed.ours.pk not in answer.text


def check_names(text: str) -> None:
    """What `promtool check metrics` would say: help and type of each family, counters end in _total."""
    families = list(text_string_to_metric_families(text))
    helped = set(re.findall(r"^# HELP (\S+) \S", text, re.M))
    for family in families:
        assert family.type != "unknown", family.name
        assert {family.name, f"{family.name}_total", f"{family.name}_info"} & helped, family.name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", family.name)


def test_a_request_is_counted_and_can_be_found_by_its_id(site: Site, committed: World) -> None:
    answer = httpx.get(site.url + "/api/status", headers={"X-Request-ID": 'x" evil="1'})
    request_id = answer.headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f-]{36}", request_id), "what is no id is replaced"
    assert (answer.status_code, answer.json()["request_id"]) == (401, request_id)
    text = site.program.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines if line.get("request_id") == request_id][-1] == "request_finished"
    assert "evil" not in text
    counts = "".join(map(str, read_counts(Path(site.program.env["PROMETHEUS_MULTIPROC_DIR"]))))
    assert "api/status" in counts


def read_counts(folder: Path) -> list[object]:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return [sample.labels for metric in registry.collect() for sample in metric.samples]
