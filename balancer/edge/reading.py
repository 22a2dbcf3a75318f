"""HAProxy's counters, read again and again: the whole where that is cheap, else every second no more than pools.

`show stat` of 40,000 servers is half a second of HAProxy's time, of their 10,000 pools an eighth (2.6.12). A pool's own
line says that a server of it came, went or got a request; which one is asked then, where that concerns few pools: each
such question makes HAProxy go over all its proxies (2 ms of 10,000). It does not say that one came as another went;
whoever sends the commands knows (`touched`), of health the next reading of everything tells.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from itertools import islice

from balancer.edge.runtime import Runtime
from balancer.edge.samples import (
    OF_POOLS,
    OF_SERVERS,
    Sample,
    fronts,
    number,
    pool_key,
    read_pool,
    read_server,
    server_key,
)
from balancer.edge.stat_lines import StatLines
from balancer.haproxy.render.listeners import WAYS
from balancer.haproxy.show import parse_info

WHOLE_SHARE = 20  # reading everything may take a twentieth of the time, beside the pools
LONGEST_PAUSE_S = 10.0
INTERVAL_S = 1.0
MOST_POOLS = 10  # whose servers are asked for by name
OF_ALL = ("show info", "show stat -1 1 -1", f"show table {WAYS}", "show stat -1 2 -1")
SERVERS = "show stat -1 4 -1"


class Reading:
    """Of one node, over reloads."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._pools = StatLines(OF_POOLS, pool_key, read_pool)
        self._servers = StatLines(OF_SERVERS, server_key, read_server)
        self._pid = 0
        self._whole_at = 0.0
        self._whole_took = 0.0

    def read(self, touched: Collection[str] = ()) -> Sample:
        """`touched`: tenants that were sent commands since. CSV: JSON is 53 times larger (`haproxy.md 1.2`). Raises
        NodeUnreachable."""
        pause = min(LONGEST_PAUSE_S, self._whole_took * WHOLE_SHARE)
        if pause <= INTERVAL_S or time.monotonic() - self._whole_at >= pause:
            return self._read_all()
        before = dict(self._pools.values)
        info, *texts = self._runtime.ask_all(OF_ALL)
        if number(parse_info(info).get("Pid", "")) != self._pid:
            return self._read_all()
        self._pools.take(texts[-1])
        there = self._pools.values
        moved = sorted(self._pools.moved & there.keys())
        ill = [key for key in moved if key not in before or before[key].health != there[key].health]
        if len(ill) > MOST_POOLS:
            return self._read_all()
        sent = sorted(key for key in there if key.partition("/")[0] in touched) if touched else []
        looked = frozenset(islice(dict.fromkeys([*ill, *sent, *moved]), MOST_POOLS))
        if looked and not self._read_some(looked):
            return self._read_all()
        return self._sample(info, *texts[:2], looked=looked)

    def _read_all(self) -> Sample:
        start = time.monotonic()
        info, *texts, servers = self._runtime.ask_all([*OF_ALL, SERVERS])
        if (pid := number(parse_info(info).get("Pid", ""))) != self._pid:
            self._pid = pid
            self._pools.forget()
            self._servers.forget()
        self._pools.take(texts[-1])
        self._servers.take(servers)
        self._whole_at = time.monotonic()
        self._whole_took = self._whole_at - start
        return self._sample(info, *texts[:2], looked=None)

    def _read_some(self, pools: frozenset[str]) -> bool:
        """False where another process answers by now."""
        asked = [f"show stat {key.replace('/', '_')} 4 -1" for key in sorted(pools)]
        info, *texts = self._runtime.ask_all(["show info", *asked])
        if number(parse_info(info).get("Pid", "")) != self._pid:
            return False
        had = _by_pool(key for key in self._servers.values if key.rpartition("/")[0] in pools)
        self._servers.take_some(texts, lambda proxy: had.get(pool_key(proxy), ()))
        return True

    def _sample(self, info: str, stat: str, table: str, *, looked: frozenset[str] | None) -> Sample:
        told = parse_info(info)
        sessions, requests, ways = fronts(stat, table)
        return Sample(
            pid=self._pid,
            uptime=number(told.get("Uptime_sec", "")),
            version=told.get("Version", ""),
            sessions=sessions,
            requests=requests,
            servers=self._servers.values,
            pools=self._pools.values,
            ways=ways,
            moved=self._servers.take_moved() | self._pools.take_moved(),
            looked=looked,
        )


def _by_pool(servers: Iterable[str]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for key in servers:
        found[key.rpartition("/")[0]].append(key)
    return dict(found)
