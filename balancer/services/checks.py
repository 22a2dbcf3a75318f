"""Would this configuration be taken? Every rule, then the real HAProxy; nothing stays."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from balancer.haproxy import desired
from balancer.haproxy.naming import id_and_moves
from balancer.queries import desired_state, names
from balancer.services import batch, edits, sandbox, writing
from balancer.services.batch import BatchRefused, Operation
from balancer.services.beside import whole
from balancer.services.names import look_first
from balancer.services.sandbox import Verdict
from tenants.actor import Actor
from tenants.errors import FieldError, Refused
from tenants.models import Tenant


class Invalid(Refused):
    def __init__(self, errors: Sequence[FieldError], status: int = 422) -> None:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{errors[0].detail}{more}", "invalid_configuration", status, tuple(errors))
        self.extra = {"valid": False}


def of_rows(tenant: Tenant) -> Verdict:
    """As the rows stand, with what waits. Raise `Invalid`."""
    with writing.tried():
        held = edits.hold_tenant()
        state = names.resolved(whole(desired_state.of(held)), held.pk)
    named = {server.key: f"/backends/{id_and_moves(server.key)[0]}" for pool in state.pools for server in pool.servers}
    return _judged(state, named | {pool.key: f"/pools/{pool.key[1:]}" for pool in state.pools})


def of_operations(
    tenant: Tenant,
    operations: Sequence[Operation],
    pointer: Callable[[int, str], str],
    *,
    by: Actor,
    now: datetime,
    beside: Callable[[], object] = lambda: None,
) -> Verdict:
    """As the rows would stand after them, and after what `beside` writes. Raise `Invalid`, or what a limit refuses."""
    pointers: dict[str, str] = {}
    try:
        with look_first(operations, now=now), writing.tried():
            done = batch.run(operations, by=by, now=now, force=True)
            beside()
            state = names.resolved(whole(desired_state.of(tenant)), tenant.pk)
            for result in done.results:
                if result.id and result.status != "deleted":
                    pointers[result.id] = pointer(result.index, "")
    except BatchRefused as refused:
        raise Invalid(pointed(refused, pointer), refused.status) from refused
    return _judged(state, by_key(state, pointers))


def pointed(refused: BatchRefused, pointer: Callable[[int, str], str]) -> list[FieldError]:
    return [
        FieldError(pointer(result.index, error.pointer), error.code, error.detail)
        for result in refused.results
        for error in result.errors
    ]


def by_key(state: desired.Tenant, pointers: Mapping[str, str]) -> dict[str, str]:
    found = {pool.key: pointers.get(pool.key[1:], "") for pool in state.pools}
    for pool in state.pools:
        found |= {server.key: pointers.get(id_and_moves(server.key)[0], "") for server in pool.servers}
    return found


def _judged(state: desired.Tenant, pointers: Mapping[str, str]) -> Verdict:
    verdict = sandbox.judge(state, names=pointers)
    if verdict.errors:
        raise Invalid(verdict.errors)
    return verdict
