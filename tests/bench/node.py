"""Rows 7, 8, 11 and 12: one node of 40,000 servers, its worker in this process, on a HAProxy of its own."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from balancer.edge.converge import converge
from balancer.edge.look import look_at_all
from balancer.edge.message import Message
from balancer.edge.report import Outcome
from balancer.edge.scan import NOTHING, scan
from balancer.edge.signing import sign, verify
from balancer.edge.stats import Reader
from balancer.haproxy.desired import Tenant
from balancer.haproxy.planner import plan_steps
from tests.bench.crowd import CHANGED, HOST, POOLS, SERVERS, TENANTS, asked, one_each, tenant, weighed
from tests.bench.measure import Figure, ms, timed
from tests.live.edge.nodes import KEY, LiveNode, one_node
from tests.live.origins import origins

SECONDS = 10
TICKS = os.sysconf("SC_CLK_TCK")


def rows(wanted: set[str]) -> Iterator[Figure]:
    with crowded() as (node, tenants):
        if "7" in wanted:
            yield planner(node, tenants)
        if "8" in wanted:
            yield one_change(node, tenants[-1])
            yield updates(node, tenants)
        if "11" in wanted:
            yield statistics(node)
        if "12" in wanted:
            yield drift_scan(node, tenants)


@contextmanager
def crowded() -> Iterator[tuple[LiveNode, list[Tenant]]]:
    with one_node() as node, origins("asked") as (origin,):
        tenants = [tenant(number) for number in range(TENANTS)]
        node.tell(*tenants, asked(origin))
        yield node, tenants


def planner(node: LiveNode, tenants: list[Tenant]) -> Figure:
    running, capabilities = look_at_all(node.node.runtime), node.node.capabilities
    pairs = [*zip(tenants, one_each(tenants, 7), strict=True)]
    # Each state is planned for once: what is kept of one that was seen before shall not help.
    anew = [[*zip(tenants, one_each(tenants, 7), strict=True)] for _ in range(10)]

    def plan() -> int:
        return sum(len(plan_steps(old, new, running, capabilities).commands) for old, new in anew.pop())

    ours = timed(plan, times=8)
    count = plan()
    compared = timed(lambda: [old == new for old, new in pairs], times=9)
    return Figure(
        "7",
        f"planner: {TENANTS * POOLS * SERVERS:,} servers, {count:,} changed, one of each tenant",
        str(ours),
        f"comparing the same values {ms(compared.median)}",
        ours.median / compared.median,
        "≤ 150 ms",
        ours.median <= 0.15 and count == CHANGED,
    )


def one_change(node: LiveNode, tenant: Tenant) -> Figure:
    """One weight, from the message as it came to the report as it goes."""
    bodies = [node.body(*one_each([tenant], weight)) for weight in range(20, 62)]
    each = iter([(body, sign(KEY, body)) for body in bodies])

    def change() -> None:
        body, signature = next(each)
        verify(KEY, body, signature)
        report = converge(node.node, Message.from_body(body, node="n1"))
        assert report.outcome is Outcome.CONVERGED
        json.dumps(report.to_json())

    before = time.process_time()
    ours = timed(change, times=40)
    cpu = (time.process_time() - before) / 41
    command = f"set server {tenant.key}_{tenant.pools[0].key}/{tenant.pools[0].servers[0].key} weight 61"
    bare = timed(lambda: node.node.runtime.ask(command), times=40)
    node.tell(*one_each([tenant], 100))
    return Figure(
        "1",
        f"a weight on a node of {TENANTS * POOLS * SERVERS:,}, from message to report; {ms(cpu)} of its CPU",
        str(ours),
        f"the command on the socket {ms(bare.median)}",
        ours.median / bare.median,
        "≤ 5 ms",
        ours.median <= 0.005,
    )


def updates(node: LiveNode, tenants: list[Tenant]) -> Figure:
    """From the message to the report: files, commands, a look at what was brought about."""
    pid = node.worker_pid
    messages = [node.message(*weighed(tenants, weight)) for weight in range(10, 20)]
    each = iter(messages)
    ours = timed(lambda: converge(node.node, next(each)), times=len(messages) - 1)
    assert node.worker_pid == pid, "no reload"
    commands = [
        f"set server {one.key}_{pool.key}/{server.key} weight 9"
        for one in weighed(tenants, 9)
        for pool in one.pools
        for server in pool.servers
    ]
    batched = timed(lambda: node.node.runtime.ask_all(commands), times=9)
    node.tell(*weighed(tenants, 100))  # what it was told last is what runs again
    return Figure(
        "8",
        f"{CHANGED:,} server updates onto one node of {TENANTS * POOLS * SERVERS:,}",
        str(ours),
        f"the same commands, batched {ms(batched.median)}",
        ours.median / batched.median,
        "≤ 100 ms",
        ours.median <= 0.1,
    )


def statistics(node: LiveNode) -> Figure:
    """CPU of our reader and of HAProxy over some seconds of one reading a second, and what its clients notice."""
    quiet, bare_cpu = p99(node), cpu_of(node, lambda: node.node.runtime.ask("show stat"))
    reader = Reader(node.node, send=lambda body: None, repair=lambda why: None)
    share, noisy = share_of_a_core(node, reader), p99_while(node, reader)
    return Figure(
        "11",
        f"statistics each second: p99 of requests {ms(noisy)} instead of {ms(quiet)}",
        f"{share * 100:.0f} % of a core",
        f"`show stat` alone {ms(bare_cpu)} of CPU",
        share / bare_cpu,
        "≤ 25 % of a core, ≤ 1 ms more",
        share <= 0.25 and noisy - quiet <= 0.001,
    )


def drift_scan(node: LiveNode, tenants: list[Tenant]) -> Figure:
    """As the reader looks, again and again; a tenant's server was weighed otherwise by hand before each."""
    runtime, capabilities = node.node.runtime, node.node.capabilities
    states = {key: one.loaded_state for key, one in node.node.store.kept.items() if one.loaded_state}
    seen = NOTHING

    def look(lines: int) -> None:
        nonlocal seen
        found, seen = scan(runtime, states, capabilities, seen)
        assert len(found) == lines

    assert len(states) >= len(tenants)
    first = cpu_of(node, lambda: look(0))
    cpu = []
    for one in tenants[:3]:
        server = f"{one.key}_{one.pools[0].key}/{one.pools[0].servers[0].key}"
        runtime.ask(f"set server {server} weight 3")
        cpu.append(cpu_of(node, lambda: look(1)))
        runtime.ask(f"set server {server} weight 100")
        look(0)
    bare = min(cpu_of(node, lambda: runtime.ask("show servers state")) for _ in range(3))
    return Figure(
        "12",
        f"drift scan of {TENANTS * POOLS * SERVERS:,} servers that finds one, our CPU and HAProxy's",
        ms(min(cpu)),
        f"`show servers state` alone {ms(bare)}; the first scan {ms(first)}",
        min(cpu) / bare,
        "≤ 0.2 s of CPU",
        min(cpu) <= 0.2,
    )


def haproxy_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def cpu_of(node: LiveNode, act: Callable[[], object]) -> float:
    """Seconds of this process's CPU and of HAProxy's worker."""
    pid = node.worker_pid
    before, ours = haproxy_cpu(pid), time.process_time()
    act()
    return haproxy_cpu(pid) - before + time.process_time() - ours


def share_of_a_core(node: LiveNode, reader: Reader) -> float:
    reader.turn()  # the first one tells everything
    start = time.monotonic()
    cpu = cpu_of(node, lambda: turns(reader, threading.Event()))
    return cpu / (time.monotonic() - start)


def turns(reader: Reader, ended: threading.Event) -> None:
    """As its thread does: a reading a second, less often where one takes long."""
    until, pause = time.monotonic() + SECONDS, 0.0
    while time.monotonic() < until and not ended.wait(pause):
        start = time.monotonic()
        reader.turn()
        pause = reader.pause_after(time.monotonic() - start)


def p99(node: LiveNode) -> float:
    return asked_for(node, 3)


def p99_while(node: LiveNode, reader: Reader) -> float:
    ended = threading.Event()
    thread = threading.Thread(target=turns, args=(reader, ended))
    thread.start()
    try:
        return asked_for(node, SECONDS - 2)
    finally:
        ended.set()
        thread.join()


def asked_for(node: LiveNode, seconds: float) -> float:
    """The 99th of a hundred requests, in seconds; asked by a process of its own, which the reader cannot hold up."""
    words = ["-m", "tests.bench.asking", str(node.port), HOST, str(seconds)]
    return float(subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True).stdout)
