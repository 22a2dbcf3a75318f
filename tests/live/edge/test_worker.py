"""The worker as it runs: Celery, a real Redis, a user of its own, a real HAProxy."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from celery import Celery

from balancer.edge.acl import queue_of
from balancer.edge.signing import sign, verify
from tests.live.edge.brokers import Broker, running_redis
from tests.live.edge.nodes import KEY, REPOSITORY, LiveNode, eventually, server, tenant
from tests.live.edge.origins import Origins

NODE = "aaaaaaaaaaaa"
OTHER = "bbbbbbbbbbbb"


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with running_redis() as broker:
        yield broker


@contextmanager
def worker(node: LiveNode, broker: Broker) -> Iterator[subprocess.Popen[bytes]]:
    node.environ |= {"VELOFLUX_NODE_ID": NODE, "VELOFLUX_NODE_BROKER_URL": broker.add_node(NODE)}
    command = [sys.executable, "-m", "celery", "-A", "veloflux_site.node", "worker", "--pool", "solo"]
    command += ["-Q", queue_of(NODE), "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with (node.folder / "log" / "worker.log").open("ab") as log:
        process = subprocess.Popen(command, env=node.environ, stdout=log, stderr=log, cwd=REPOSITORY)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(15)


class Console:
    """The control plane's end of the queues."""

    def __init__(self, broker: Broker) -> None:
        self._app = Celery("console", broker=f"redis://127.0.0.1:{broker.port}/0")
        self._redis = broker.admin
        self.bodies: list[dict[str, Any]] = []

    def tell(self, body: dict[str, Any], *, key: str = KEY, task: str = "node.converge") -> None:
        text = json.dumps(body)
        self._app.send_task(task, args=[text, sign(key, text)], queue=queue_of(NODE))

    def ask_to_read(self, body: dict[str, Any], *, key: str = KEY) -> None:
        text = json.dumps(body)
        self._app.send_task("node.read", args=[text, sign(key, text)], queue=queue_of(NODE))

    def close(self) -> None:
        self._app.close()

    def heard(self, queue: str, *, within: float = 10.0) -> dict[str, Any]:
        """The next message of a queue, its signature verified."""
        found: Any = self._redis.brpop([queue], timeout=within)
        assert found, f"nothing came on {queue}"
        (node, body, signature), _, _ = json.loads(base64.b64decode(json.loads(found[1])["body"]))
        assert node == NODE
        verify(KEY, body, signature)
        decoded: dict[str, Any] = json.loads(body)
        return decoded


def message(node: LiveNode, *tenants: Any) -> dict[str, Any]:
    made = node.message(*tenants, since=0)
    return {
        "node": NODE,
        "since": made.since,
        "generation": made.generation,
        "fragments": list(made.fragments),
        "force_reload": False,
    }


def test_a_message_becomes_traffic_a_report_and_a_status(node: LiveNode, broker: Broker, origins: Origins) -> None:
    console = Console(broker)
    origin = origins.start("one")
    with worker(node, broker) as process:
        assert console.heard("status")["number"] == 0
        console.heard("reports")  # of having started
        console.tell(message(node, tenant("taaa", server("b1", origin))))
        due = console.heard("reports")
        assert (due["outcome"], due["tenants"][0]["outcome"]) == ("reload_due", "reload_due")
        live = console.heard("reports")
        assert (live["outcome"], live["tenants"][0]["outcome"]) == ("converged", "live")
        assert live["tenants"][0]["request_ids"] == ["request-1"]
        assert node.get("taaa.test") == (200, "one")

        lines = console.heard("logs")
        assert [(one["path"], one["status"]) for one in lines["lines"]["taaa"]] == [("/", 200)]
        broker.admin.rpush("logs", *(["x"] * 60))  # nobody takes them: the node adds none
        node.get("taaa.test")
        refusals = node.folder / "log" / "worker.log"
        eventually(lambda: "nobody takes them" in refusals.read_text())
        assert broker.admin.llen("logs") == 60
        broker.admin.delete("logs")

        console.tell(message(node, tenant("taaa", server("b1", origin, weight=7))))
        start = time.monotonic()
        report = console.heard("reports")
        assert time.monotonic() - start < 5
        assert report["tenants"][0]["outcome"] == "live"
        eventually(lambda: "taaa/p1/b1" in console.heard("status")["servers"])

        frame = console.heard("status")
        lacking = {"node": NODE, "act": "tell_again", "run": frame["run"], "after": -1}
        console.tell(lacking, task="node.tell_again")
        eventually(lambda: console.heard("status").get("whole") == ["taaa"])

        forged = message(node, tenant("taaa"))
        console.tell(forged, key="another key")
        console.tell({**forged, "node": OTHER})
        log = node.folder / "log" / "worker.log"
        eventually(lambda: log.read_text().count("message refused") == 2)

        ask = {"node": NODE, "act": "read", "sent_at": time.time()}
        for wrong in ({"node": OTHER}, {"act": "look"}, {"sent_at": time.time() - 60}):
            console.ask_to_read({**ask, **wrong})
        console.ask_to_read(ask, key="another key")
        eventually(lambda: log.read_text().count("message refused") == 6)
        console.ask_to_read(ask)
        assert console.heard("status")["whole"] == []
        assert log.read_text().count("message refused") == 6
        process.terminate()
        assert process.wait(15) == 0
    console.close()
    assert "request-2" in log.read_text()
    assert "NOPERM" not in log.read_text()
    assert node.get("taaa.test") == (200, "one")


def test_a_node_user_has_no_other_key(broker: Broker) -> None:
    with redis.Redis.from_url(broker.add_node(OTHER)) as mine:
        mine.lpush("reports", "x")
        broker.admin.delete("reports")
        forbidden = [
            ("BRPOP", f"node.{NODE}.work", 1), ("LPUSH", f"node.{NODE}.work", "x"), ("BRPOP", "reports", 1),
            ("BRPOP", "logs", 1), ("LRANGE", "logs", 0, -1), ("DEL", "logs"), ("XADD", "logs:taaa", "*", "line", "x"),
            ("LRANGE", "status", 0, -1), ("DEL", "reports"), ("GET", "session"), ("KEYS", "*"), ("SCAN", 0),
            ("CONFIG", "GET", "*"), ("ACL", "LIST"), ("FLUSHALL",), ("PUBLISH", "any", "x"), ("LPUSH", "control", "x"),
            ("SMEMBERS", f"_kombu.binding.node.{NODE}.work"), ("MONITOR",),
            ("EVAL", "return redis.call('get', 'a')", 0),
        ]  # fmt: skip
        for command in forbidden:
            with pytest.raises(redis.exceptions.ResponseError, match=r"(?i)permission|can't access"):
                mine.execute_command(*command)


def test_a_worker_knows_no_settings_no_database_and_no_rows(node: LiveNode) -> None:
    """kombu itself looks into `django.utils` where Django is installed: that much cannot be helped."""
    code = "import sys, veloflux_site.node; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env=node.environ, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    loaded = set(ended.stdout.split())
    assert "balancer.edge.converge" in loaded
    assert not loaded & {
        "django.conf",
        "django.db",
        "psycopg",
        "tenants",
        "billing",
        "balancer.models",
        "balancer.fleet",
    }
