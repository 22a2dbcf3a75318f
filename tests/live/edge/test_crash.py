"""kill -9 at every step of the worker's work: the next one ends where it should."""

import json
import signal
import subprocess
import sys
from dataclasses import replace

from balancer.edge.converge import converge, reload
from balancer.edge.look import look_at_all
from balancer.edge.message import Message
from balancer.edge.report import Outcome
from balancer.haproxy.desired import AdminState, Algorithm, Pool, Route, Tenant
from balancer.haproxy.planner import drift
from balancer.haproxy.show import parse_stat
from tests.live.edge.nodes import NO_CHECK, REPOSITORY, LiveNode, server, tenant
from tests.live.edge.origins import Origin, Origins

ALGORITHMS = {Algorithm.ROUND_ROBIN: "roundrobin", Algorithm.LEAST_CONN: "leastconn"}


def by_commands(number: int, one: Origin, two: Origin) -> Tenant:
    """Weight, drain, a server, a host: something of each changes with every number."""
    admin = AdminState.DRAIN if number % 2 else AdminState.READY
    servers = [server("b1", one, weight=number + 1), server("b2", two, admin=admin), server(f"b{number + 10}", one)]
    hosts = ("taaa.test", f"h{number}.test")
    routes = tuple(Route(f"r{at}", host, "/", "p1") for at, host in enumerate(hosts))
    return Tenant(key="taaa", pools=(Pool(key="p1", servers=tuple(servers), health_check=NO_CHECK),), routes=routes)


def by_reload(number: int, one: Origin, two: Origin) -> Tenant:
    """What commands can do, and another algorithm."""
    first = by_commands(number, one, two)
    return replace(first, pools=(replace(first.pools[0], algorithm=list(ALGORITHMS)[number % 2]),))


def test_a_worker_killed_at_any_step_of_converging(node: LiveNode, origins: Origins) -> None:
    one, two = origins.start("one"), origins.start("two")
    node.tell(tenant("taaa", server("b1", one)), tenant("tbbb", server("b1", two)))
    step, killed = 0, True
    while killed:
        step += 1
        desired = by_commands(step, one, two)
        message = node.message(desired)
        killed = _die_at(node, _body(message), step)
        converge(node.fresh_worker(), message)
        assert_arrived(node, desired, message, step)
    assert step > 5


def test_a_worker_killed_at_any_step_of_a_reload(node: LiveNode, origins: Origins) -> None:
    one, two = origins.start("one"), origins.start("two")
    node.tell(tenant("taaa", server("b1", one)), tenant("tbbb", server("b1", two)))
    step, killed = 0, True
    while killed:
        step += 1
        desired = by_reload(step, one, two)
        message = node.message(desired)
        assert converge(node.node, message).outcome is Outcome.RELOAD_DUE
        killed = _die_at(node, "", step)
        reload(node.fresh_worker())
        assert_arrived(node, desired, message, step)
    assert step > 5


def assert_arrived(node: LiveNode, desired: Tenant, message: Message, step: int) -> None:
    worker = node.node
    assert not worker.reload_due, step
    assert not worker.store.unsure, step
    assert worker.store.generation == message.generation
    running = look_at_all(worker.runtime)
    # A removed server may keep an idle connection for some seconds; it is in maint and asked for again.
    wrong = [line for line in drift(desired, running, worker.capabilities) if not line.endswith("removed")]
    assert wrong == [], step
    stat = parse_stat(worker.runtime.ask("show stat -1 2 -1"))
    assert next(row["algo"] for row in stat if row["pxname"] == "taaa_p1") == ALGORITHMS[desired.pools[0].algorithm]
    assert node.get(f"h{step}.test")[0] == 200
    assert node.get("tbbb.test") == (200, "two")
    current = "".join(path.read_text() for path in worker.trees.current.glob("50-*.cfg"))
    assert f"server b{step + 10} " in current
    assert f"server b{step + 9} " not in current


def _body(message: Message) -> str:
    fragments = list(message.fragments)
    return json.dumps({"node": "n1", "since": message.since, "generation": message.generation, "fragments": fragments})


def _die_at(node: LiveNode, body: str, step: int) -> bool:
    command = [sys.executable, "-m", "tests.live.edge.victim", body, str(step)]
    ended = subprocess.run(command, env=node.environ, cwd=REPOSITORY, capture_output=True, text=True, timeout=30)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode != 0
