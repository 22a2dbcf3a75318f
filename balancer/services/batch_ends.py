"""What many changes need of each other, and of other tenants, once each is judged by itself."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from balancer.models.listeners import TCP
from balancer.queries import objects
from balancer.services import hosts, ports
from balancer.services.batch_work import Work
from tenants.errors import FieldError


def kept_pools(work: Work) -> Iterator[tuple[int, FieldError]]:
    """Pools that go while a route or a listener still points at them, with the operation that would take each. They are
    put back, so that who leaves that operation out has the others."""
    gone = work.were["pool"].keys() - work.things["pool"].keys()
    pointing: dict[str, list[str]] = defaultdict(list)
    for route in work.things["route"].values():
        for pk in gone:
            if route.pool_id == pk or objects.mentions(route.action, pk):
                pointing[pk].append(str(route))
    for listener in work.things["listener"].values():
        if listener.pool_id in gone:
            pointing[listener.pool_id].append(str(listener))
    for pk, named in pointing.items():
        pool = work.were["pool"][pk]
        said = f"The pool {pool} still answers for {', '.join(named[:3])}. Point those elsewhere or delete them first."
        yield work.owners["pool", pk], FieldError("", "pool_in_use", said)
        work.things["pool"][pk] = pool
        for backend in work.were["backend"].values():
            if backend.pool_id == pk:
                work.things["backend"].setdefault(backend.pk, backend)


def asked_ports(values: Iterable[Mapping[str, Any]]) -> set[int]:
    return {port for port in (one.get("port") for one in values) if isinstance(port, int)}


def give_ports(work: Work) -> None:
    """One to each listener that asked for any, and none that another of these names. Hosts are taken before ports, as
    wherever both are."""
    changes = [*work.changes("route"), *work.changes("listener")]
    shall = [change.after for change in changes if change.after is not None]
    asking = [one for one in work.things["listener"].values() if one.kind == TCP and one.port is None]
    if not asking:
        return
    hosts.claim_all({one.host for one in shall if one.host})
    ports.in_turn()
    named = {one.port for one in work.things["listener"].values() if one.port}
    for listener in asking:
        listener.port = ports.any_free(named)


def whose_port(work: Work, port: int) -> int:
    """The operation that wants it."""
    there = (one.pk for one in work.things["listener"].values() if one.port == port)
    return next(work.owners["listener", pk] for pk in there if ("listener", pk) in work.owners)
