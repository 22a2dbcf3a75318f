"""What is observed of backends, by their rows: of one that goes by a name, over the servers of all its addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from balancer.models import Backend
from balancer.queries import names, status
from balancer.queries.merging import merge_addresses
from balancer.queries.names import At, Resolution
from balancer.queries.observed import UNKNOWN, BackendStatus


@dataclass(frozen=True, slots=True)
class Seen:
    """`resolution` None: it goes by an address. `addresses`: each that its name has, and what is seen there."""

    status: BackendStatus
    resolution: Resolution | None = None
    addresses: tuple[tuple[At, BackendStatus], ...] = ()

    @property
    def nowhere(self) -> bool:
        """Its name has no address: there is no server of it."""
        return self.resolution is not None and not self.addresses


NOTHING = Seen(UNKNOWN)


def of(tenant_id: str, backends: Sequence[Backend], *, now: datetime) -> Mapping[str, Seen]:
    """By id; each is answered. One round trip to Redis, and the database only where one goes by a name."""
    if not backends:
        return {}
    resolutions = names.of_backends(tenant_id, backends)
    keys = {one.pk: _keys(one, resolutions.get(one.pk)) for one in backends}
    found = status.backends(f"t{tenant_id}", [key for some in keys.values() for key in some], now=now)
    return {one.pk: _seen(resolutions.get(one.pk), [found[key] for key in keys[one.pk]]) for one in backends}


def _keys(backend: Backend, resolution: Resolution | None) -> list[status.Key]:
    servers = [backend.key] if resolution is None else [at.key for at in resolution.addresses]
    return [(f"p{backend.pool_id}", server) for server in servers]


def _seen(resolution: Resolution | None, found: Sequence[BackendStatus]) -> Seen:
    if resolution is None:
        return Seen(found[0])
    return Seen(merge_addresses(found), resolution, tuple(zip(resolution.addresses, found, strict=True)))
