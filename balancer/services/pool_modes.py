"""What a pool speaks, HTTP or bytes, and what it can have therefore. Chosen once: whatever leads to it needs it so."""

from collections.abc import Callable, Mapping
from typing import Any

from balancer.haproxy.listeners import Mode
from balancer.haproxy.tcp_pools import ALGORITHMS, CHECKS, STICKY
from balancer.models import Pool
from balancer.services.rules import Problems
from tenants.errors import Conflict, InvalidField

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


def refuse_for_routes(pk: str, field: str, problems: Problems) -> None:
    if Pool.objects.filter(pk=pk, mode=Mode.TCP).exists():
        said = "This pool is in mode tcp, which answers no requests. Name one in mode http, or use a listener for it."
        problems.add(field, said, "pool_mode")
