"""A first site in one go: a pool, its backends and a route, all of it or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from balancer.models import Pool, Route
from balancer.services import backends, edits, names, pools, routes
from balancer.services.edits import Changed
from tenants.actor import Actor
from tenants.errors import FieldError, Refused


@dataclass(frozen=True, slots=True)
class NewSite:
    """`addresses` as backends write them; the pool is named as the host, or with a number after it."""

    host: str
    addresses: Sequence[str]
    check_path: str = "/"


def create(new: NewSite, *, by: Actor, now: datetime) -> Changed[Route]:
    """Raise what pools, backends and routes refuse, with pointers into `NewSite`: `/host`, `/addresses/1`."""
    with names.first_look(new.addresses, now=now), transaction.atomic():
        return _create(new, by=by, now=now)


def _create(new: NewSite, *, by: Actor, now: datetime) -> Changed[Route]:
    edits.hold_tenant()
    if not new.addresses:
        said = "Name at least one address that answers."
        raise Refused(said, "invalid", 422, (FieldError("/addresses", "required", said),))
    named = pools.NewPool(name=free_name(new.host.strip().lower()), check_path=new.check_path)
    pool = pools.create(named, by=by, now=now).object
    for index, address in enumerate(new.addresses):
        with at(f"/addresses/{index}", "/address"):
            backends.add(pool, backends.NewBackend(address=address), by=by, now=now)
    return routes.create(routes.NewRoute(host=new.host, pool=pool.pk), by=by, now=now)


class at:  # noqa: N801 - reads as a word: with at("/addresses/0", "/address")
    """What is refused at one pointer is refused at another."""

    def __init__(self, here: str, there: str) -> None:
        self.here, self.there = here, there

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, raised: BaseException | None, trace: object) -> None:
        if isinstance(raised, Refused):
            raised.errors = tuple(
                FieldError(self.here if error.pointer == self.there else error.pointer, error.code, error.detail)
                for error in raised.errors
            )


def free_name(host: str) -> str:
    name = host[:70] or "site"
    taken = set(Pool.objects.filter(name__startswith=name).values_list("name", flat=True))
    return next(one for one in (name, *(f"{name} {n}" for n in range(2, len(taken) + 3))) if one not in taken)
