"""People who change things through the API without end, and remember what they were told of each change."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from tests.live.road.conftest import Site

PAUSE = 0.05  # seconds between two changes of a writer
NEW_POOL_PAUSE = 0.7  # each is a reload of both nodes
LIGHTEST, HEAVIEST = 50, 250
numbers = itertools.count(1)


@dataclass
class Written:
    """What was answered: `routes` host → id and `pools` name → id of every 201; of every weight that was tried for a
    backend, since the last one that was acknowledged, all that it may be now."""

    routes: dict[str, str] = field(default_factory=dict)
    pools: dict[str, str] = field(default_factory=dict)
    weights: dict[str, list[int]] = field(default_factory=dict)
    acknowledged: int = 0
    underway: set[int] = field(default_factory=set)  # threads that wait for an answer
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def told(self, answer: httpx.Response) -> bool:
        """Whether it was done. The only honest refusal here is that the console cannot be used for a while."""
        if answer.is_success:
            self.acknowledged += 1
            return True
        honest = answer.status_code == 503 and answer.json().get("code") == "unavailable"
        (self.refused if honest else self.wrong).append(f"{answer.status_code} {answer.text[:300]}")
        return False


class Writers:
    def __init__(self, site: Site, key: str) -> None:
        self.site, self.key = site, key
        self.written = Written()
        self._over = threading.Event()

    def new_route(self, api: httpx.Client) -> None:
        host = f"w{next(numbers)}.{self.site.host}"
        answer = api.post("/routes", json={"host": host, "pool": self.site.pool["id"]})
        if self.written.told(answer):
            self.written.routes[host] = answer.json()["id"]

    def new_pool(self, api: httpx.Client) -> None:
        name = f"w{next(numbers)} {self.site.host}"
        answer = api.post("/pools", json={"name": name})
        if self.written.told(answer):
            self.written.pools[name] = answer.json()["id"]

    def new_weight(self, backend: dict[str, Any], api: httpx.Client) -> None:
        weight = LIGHTEST + next(numbers) % (HEAVIEST - LIGHTEST)
        tried = self.written.weights.setdefault(backend["id"], [])
        tried.append(weight)
        if self.written.told(api.post(f"/backends/{backend['id']}/weight", json={"weight": weight})):
            self.written.weights[backend["id"]] = [weight]

    def work(self, write: Callable[[httpx.Client], None], pause: float) -> None:
        with self.site.stack.api(key=self.key) as api:
            while not self._over.wait(pause):
                self.written.underway.add(threading.get_ident())
                try:
                    write(api)
                except httpx.HTTPError as error:  # the console itself was there all the time
                    self.written.wrong.append(repr(error))
                self.written.underway.discard(threading.get_ident())

    def end(self) -> None:
        self._over.set()


@contextmanager
def writing(site: Site) -> Iterator[Written]:
    """Two who add routes, one who adds pools, and one for each backend who changes its weight."""
    writers = Writers(site, site.stack.bootstrap["api_key"])
    weighing = [partial(writers.new_weight, backend) for backend in site.backends]
    often: list[Callable[[httpx.Client], None]] = [writers.new_route, writers.new_route, *weighing]
    jobs = [(writers.new_pool, NEW_POOL_PAUSE), *((write, PAUSE) for write in often)]
    threads = [threading.Thread(target=writers.work, args=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        yield writers.written
    finally:
        writers.end()
        for thread in threads:
            thread.join(30)
