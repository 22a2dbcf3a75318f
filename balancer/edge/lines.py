"""A second's access lines, by tenant, bounded: what the console is sent of them."""

from collections import Counter, defaultdict
from dataclasses import asdict
from typing import Any

from balancer.haproxy.access_log import PER_SECOND, parse, tenant_of

Body = dict[str, Any]
MOST = 1000  # lines of one batch, whoever's: a quarter of a megabyte


class Lines:
    """Takes lines until they are asked for. What is beyond the bounds is counted, and not read."""

    def __init__(self, node_id: str) -> None:
        self._node = node_id
        self._said: dict[str, int] = {}  # tenant -> how many HAProxy said last that it had left out
        self._start_over()

    def _start_over(self) -> None:
        self._lines: defaultdict[str, list[Body]] = defaultdict(list)
        self._left_out: Counter[str] = Counter()
        self._size = 0

    def take(self, line: bytes) -> None:
        """One datagram. What is no line of a tenant's is nobody's loss."""
        tenant = tenant_of(line)
        if not tenant:
            return
        if self._size >= MOST or len(self._lines[tenant]) >= PER_SECOND:
            self._left_out[tenant] += 1
            return
        read = parse(line)
        if read is None:
            return
        told = asdict(read)
        self._left_out[tenant] += self._grown(tenant, told.pop("left_out"))
        del told["tenant"]
        self._lines[tenant].append(told)
        self._size += 1

    def batch(self, *, now: float) -> Body | None:
        """All since the last call, or None where there was nothing. `now` in epoch seconds."""
        lines = {tenant: found for tenant, found in self._lines.items() if found}
        left_out = {tenant: count for tenant, count in self._left_out.items() if count}
        self._start_over()
        if not lines and not left_out:
            return None
        return {"node": self._node, "at": now, "lines": lines, "left_out": left_out}

    def _grown(self, tenant: str, said: int) -> int:
        """HAProxy counts from its start, and a new one anew; what it said first of all may be old."""
        before = self._said.get(tenant)
        self._said[tenant] = said
        if before is None:
            return 0
        return said - before if said >= before else said
