"""The node's one reader: about each second it reads HAProxy and tells the console what changed."""

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

import structlog

from balancer.edge.errors import EdgeError
from balancer.edge.fragments import Kept
from balancer.edge.node import Node
from balancer.edge.observer import Body, Observer
from balancer.edge.reading import INTERVAL_S, Reading
from balancer.edge.samples import Sample
from balancer.edge.scan import NOTHING, scan
from balancer.edge.telling import Telling
from balancer.haproxy.render.listeners import ways_of

SHARE = 4  # reading may take a quarter of the time
DRIFT_S = 10.0
DRIFT_SHARE = 50  # times the CPU that a scan took: a busy machine looks no less often
DRIFT_LINES = 50
DAY_S = 86_400.0

log = structlog.get_logger(__name__)


def listened(kept: Iterable[Kept]) -> dict[str, str]:
    """What HAProxy counts the listeners under that it has now → their names."""
    states = [one.loaded_state for one in list(kept)]
    return {way: name for state in states if state and state.listeners for way, name in ways_of(state).items()}


class Reader(threading.Thread):
    """`send` gets a body and may raise OSError; `repair` asks the worker to look at everything again."""

    def __init__(self, node: Node, *, send: Callable[[Body], None], repair: Callable[[str], None]) -> None:
        super().__init__(name="stats", daemon=True)
        self._node = node
        self._send = send
        self._repair = repair
        self._reading = Reading(node.runtime)
        self._telling = Telling(secrets.token_hex(8))
        self._observer = Observer(node.environment.id, self._telling)
        self._lacking: deque[tuple[str, int]] = deque()
        self._ended = threading.Event()
        self._woken = threading.Event()
        self._pid = 0
        self._changes = -1
        self._kept: dict[str, Kept] = {}
        self._seen = NOTHING
        self._drift: tuple[str, ...] = ()
        self._drift_at = time.monotonic() + DRIFT_S
        self._renewal_at = time.monotonic() + DAY_S

    def stop(self) -> None:
        """Returns once it has ended."""
        self._ended.set()
        self._woken.set()
        if self.is_alive():
            self.join(5)

    def scan_at_once(self) -> None:
        """Look for drift with the next reading."""
        self._drift_at = time.monotonic()

    def read_at_once(self) -> None:
        """Read as soon as reading's share of the time allows, and tell it even where nothing is new."""
        self._observer.tell_next()
        self._woken.set()

    def tell_again(self, run: str, after: int) -> None:
        """With the next readings, what was told after this frame. From any thread."""
        self._lacking.append((run, after))

    def run(self) -> None:
        while not self._ended.is_set():
            start = time.monotonic()
            self._woken.clear()
            self.turn()
            spent = time.monotonic() - start
            rest = spent * (SHARE - 1)  # which nobody cuts short: others' requests need the time
            if not self._ended.wait(rest):
                self._woken.wait(max(0.0, self.pause_after(spent) - rest))

    def pause_after(self, spent: float) -> float:
        """Seconds until the next reading, after one that took so long."""
        return max(INTERVAL_S - spent, spent * (SHARE - 1))

    def turn(self) -> None:
        """One reading, or none while the worker reloads."""
        if self._node.reads_later(time.monotonic()):
            return
        now = time.time()
        generation = self._node.store.generation
        while self._lacking:
            self._telling.lacks(*self._lacking.popleft())
        try:
            sample = self._reading.read(self._touched())
        except EdgeError:
            body = self._observer.silent(now=now, generation=generation)
        else:
            self._watch(sample)
            ways = listened(self._node.store.kept.values())
            body = self._observer.observe(sample, now=now, generation=generation, drift=self._drift, ways=ways)
        if body is not None:
            self._tell(body)

    def _touched(self) -> set[str]:
        """The tenants of whom the node took something since it was asked last; nobody while it is at work."""
        store = self._node.store
        if store.changes % 2 or store.changes == self._changes:
            return set()
        self._changes, kept, before = store.changes, dict(store.kept), self._kept
        self._kept = kept
        return {tenant for tenant, one in kept.items() if before.get(tenant) is not one}

    def _tell(self, body: Body) -> None:
        try:
            self._send(body)
        except OSError as error:
            log.warning("the console was not told, it will be", error=str(error))
            self._telling.lost()

    def _watch(self, sample: Sample) -> None:
        """A worker that we did not load, or one that runs something else, is looked at again."""
        if self._pid and sample.pid != self._pid and sample.pid != self._node.serving_pid:
            self._repair("HAProxy was started again")
        self._pid = sample.pid
        if time.monotonic() >= self._renewal_at:
            self._renewal_at = time.monotonic() + DAY_S
            if self._node.certificate_due(time.time()):
                self._repair("the node's certificate ends soon")
        if time.monotonic() >= self._drift_at:
            start = time.thread_time()
            try:
                self._scan()
            except EdgeError as error:  # what was read before it is told all the same
                log.warning("drift was not looked for", error=str(error))
            self._drift_at = time.monotonic() + max(DRIFT_S, DRIFT_SHARE * (time.thread_time() - start))

    def _scan(self) -> None:
        """Raises EdgeError. While somebody is at work on the node, a difference is no drift."""
        store = self._node.store
        before = store.changes
        if before % 2 or store.unsure:
            return
        settled = [
            kept for kept in list(store.kept.values()) if not kept.waiting and kept.tenant not in self._node.later
        ]
        states = {kept.tenant: kept.loaded_state for kept in settled if kept.loaded_state}
        found, seen = scan(self._node.runtime, states, self._node.capabilities, self._seen)
        if store.changes != before:
            return
        self._seen, self._drift = seen, tuple(found[:DRIFT_LINES])
        if found:
            self._repair("HAProxy runs something else than it was told")
