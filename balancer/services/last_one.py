"""Keep a pool from losing what answers: neither its last ready backend nor the last that is measured to be well."""

from collections.abc import Collection, Sequence
from datetime import datetime

from balancer.haproxy.desired import AdminState
from balancer.models import Backend, Pool
from balancer.queries import backend_status
from balancer.queries.observed import BackendStatus, OnNode, Oper
from tenants import scope
from tenants.errors import Conflict

UNWELL = frozenset({Oper.DOWN, Oper.STOPPING})
# A new server is down until its checks have passed often enough: its last check says which of the two it is.
RISING = ("", "INI", "UNK", "L4OK", "L6OK", "L7OK", "L7OKC")
READY = AdminState.READY.value


def refuse(going: Collection[Backend], *, now: datetime) -> None:
    """Under the tenant's lock, with the rows as they are now. Raise `Conflict` where these, going out of service
    together, leave a pool without a ready backend, or a node without one that is well there."""
    leaving = [one for one in going if one.admin == READY]
    for pool_id in sorted({one.pool_id for one in leaving}):
        _refuse(pool_id, [one for one in leaving if one.pool_id == pool_id], now=now)


def _refuse(pool_id: str, leaving: Sequence[Backend], *, now: datetime) -> None:
    ready = list(Backend.objects.filter(pool=pool_id, admin=READY))
    stay = [one for one in ready if one.pk not in {gone.pk for gone in leaving}]
    one = len(leaving) == 1
    name = str(leaving[0]) if one else f"This selection of {len(leaving)}"
    if not stay:
        what = "is the last ready backend of its pool" if one else f"is all that is ready in {_pool(pool_id)}"
        raise Conflict(
            f"{name} {what}: without it, requests get 503. Make another one ready first, or send force.",
            "last_backend",
        )
    node = _left_without(leaving, stay, now=now)
    if node:
        raise Conflict(
            f"{name} is the last healthy backend of its pool on {node}: the others that are ready fail their checks "
            "there, and requests would get 503. Bring another one back first, or send force.",
            "last_healthy",
        )


def _left_without(leaving: Sequence[Backend], stay: Sequence[Backend], *, now: datetime) -> str:
    """The node that has somebody well among those who leave, and knows all who stay to be unwell. What nobody has
    measured is no reason to refuse."""
    seen = backend_status.of(scope.required().tenant_id, [*leaving, *stay], now=now)
    left, kept = ([seen[one.pk].status for one in some] for some in (leaving, stay))
    names = sorted({node.node for one in left for node in one.nodes})
    return next((name for name in names if _well(left, name) and _all_unwell(kept, name)), "")


def _well(some: Sequence[BackendStatus], name: str) -> bool:
    return any(node.oper in (Oper.UP, Oper.NOCHECK) for node in _on(some, name))


def _all_unwell(some: Sequence[BackendStatus], name: str) -> bool:
    failing = [one for one in some if one.last_check and one.last_check.check not in RISING]
    here = _on(failing, name)
    return len(here) == len(some) and all(node.oper in UNWELL for node in here)


def _on(some: Sequence[BackendStatus], name: str) -> list[OnNode]:
    return [node for one in some for node in one.nodes if node.node == name]


def _pool(pool_id: str) -> str:
    return str(Pool.objects.get(pk=pool_id))
