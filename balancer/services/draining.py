"""The rows of drains, written in the transaction that changes the backend itself."""

from datetime import datetime, timedelta

from balancer.fleet.models import Drain, Ending, Then
from balancer.haproxy.desired import AdminState
from balancer.models import Backend
from tenants import scope
from tenants.actor import Actor


def begin(backend: Backend, *, deadline: timedelta | None, then: Then, by: Actor, now: datetime) -> Drain:
    """Under the tenant's lock; what was asked before for this backend is over."""
    end(backend.pk, Ending.AGAIN, now=now)
    return Drain.objects.create(
        tenant_id=scope.required().tenant_id,
        backend=backend.pk,
        name=str(backend),
        deadline_at=None if deadline is None else now + deadline,
        then=then,
        by_id=by.user_id,
        began_at=now,
    )


def end(backend_id: str, how: Ending, *, now: datetime) -> None:
    Drain.objects.filter(backend=backend_id, ended_at=None).update(ended_at=now, ending=how)


def follow(before: str, backend: Backend, *, now: datetime) -> None:
    """A backend that was taken out of its drain, whoever did so: nothing follows from that drain any more."""
    if before == AdminState.DRAIN.value != backend.admin:
        end(backend.pk, Ending.CANCELLED, now=now)
