"""What a pool speaks, HTTP or bytes, and what it can have therefore. Chosen once: whatever leads to it needs it so."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from balancer.haproxy.listeners import Mode
from balancer.haproxy.tcp_pools import ALGORITHMS, CHECKS, STICKY
from balancer.models import Pool
from balancer.services.rules import Problems
from tenants.errors import Conflict, InvalidField

_known: ContextVar[Mapping[str, str] | None] = ContextVar("modes_of_pools", default=None)

HTTP_ALONE = {
    "tls_enabled": "tls.enabled", "backup_pool": "backup_pool", "max_queue": "max_queue", "http2": "http2",
    "max_connections": "max_connections", "error_limit": "error_limit", "retry_on": "retry_on",
}  # fmt: skip
# Field of `NewPool` → what the API calls it, whether a pool in mode tcp can have the value, and what to do instead.
TCP: Mapping[str, tuple[str, Callable[[Any], bool], str]] = {
    "algorithm": (
        "algorithm",
        lambda value: value in [each.value for each in ALGORITHMS],
        f"A pool in mode tcp reads no requests: choose {', '.join(each.value for each in ALGORITHMS)}.",
    ),
    "check_type": (
        "health_check.type",
        lambda value: value in [each.value for each in CHECKS],
        f"A pool in mode tcp is asked by {', '.join(each.value for each in CHECKS)}.",
    ),
    "sticky_type": (
        "sticky.type",
        lambda value: value in [each.value for each in STICKY],
        "A pool in mode tcp has no cookies: choose source or none.",
    ),
    **{
        name: (pointer, lambda value: not value, "This is for pools in mode http alone; leave it out.")
        for name, pointer in HTTP_ALONE.items()
    },
}


def refuse_unfit(values: Mapping[str, Any], problems: Problems) -> None:
    if values["mode"] != Mode.TCP:
        return
    for field, (pointer, fits, sentence) in TCP.items():
        if field in values and not fits(values[field]):
            problems.add(pointer, sentence, "pool_mode")


def refuse_change(pool: Pool, mode: str) -> None:
    if mode != pool.mode:
        raise InvalidField("mode", f"This pool is in mode {pool.mode} for good; create another one.", "fixed")


def refuse_led_to(pool: Pool) -> None:
    """Raise `Conflict` while a listener leads to it."""
    named = ", ".join(str(listener) for listener in pool.listeners.order_by("port", "host")[:3])
    if named:
        raise Conflict(
            f"The pool {pool.name} still answers for {named}. Point those elsewhere or delete them first.",
            "pool_in_use",
        )


@contextmanager
def known(modes: Mapping[str, str]) -> Iterator[None]:
    """Within, these are the tenant's pools (id → mode): for many objects at once, and for pools about to be written."""
    before = _known.set(modes)
    try:
        yield
    finally:
        _known.reset(before)


def mode_of(pk: str) -> str | None:
    """None where the tenant has no such pool."""
    modes = _known.get()
    return Pool.objects.filter(pk=pk).values_list("mode", flat=True).first() if modes is None else modes.get(pk)


NO_POOL = "There is no such pool here; create it first, or name one of yours."


def require_for_routes(pk: str, field: str, problems: Problems) -> None:
    mode = mode_of(pk)
    if mode is None:
        problems.add(field, NO_POOL, "unknown_pool")
    elif mode == Mode.TCP:
        said = "This pool is in mode tcp, which answers no requests. Name one in mode http, or use a listener for it."
        problems.add(field, said, "pool_mode")


def require_for_listeners(pk: str, problems: Problems) -> None:
    mode = mode_of(pk)
    if mode is None:
        problems.add("pool", NO_POOL, "unknown_pool")
    elif mode != Mode.TCP:
        said = "This pool speaks HTTP; a listener needs one in mode tcp. Create one, or use a route for this pool."
        problems.add("pool", said, "pool_mode")
