"""The pool that takes over while no backend of a pool can: there is one, and never in a circle."""

from collections.abc import Mapping

from balancer.haproxy.serving import FALLBACK_STEPS
from balancer.models import Pool
from tenants.errors import Conflict, InvalidField


def require(pool_id: str, fallback_id: str | None) -> None:
    """May this pool ("" for a new one) fall back to that one? Raise `InvalidField`. With the tenant held."""
    if fallback_id is None:
        return
    leads = dict(Pool.objects.exclude(pk=pool_id).values_list("pk", "backup_pool_id"))
    if fallback_id == pool_id:
        raise InvalidField("backup_pool", "A pool cannot take over for itself; choose another one.", "loop")
    if fallback_id not in leads:
        raise InvalidField(
            "backup_pool", "There is no such pool here; create it first, or name one of yours.", "unknown_pool"
        )
    onwards = _after(leads, fallback_id)
    if onwards[-1] == pool_id:
        raise InvalidField("backup_pool", "These pools would take over for each other in a circle.", "loop")
    before = _before(leads, pool_id) if pool_id else 0
    if before + len(onwards) > FALLBACK_STEPS:
        detail = f"At most {FALLBACK_STEPS} pools may follow each other; this would be one more."
        raise InvalidField("backup_pool", detail, "too_long")


def refuse_needed(pool: Pool) -> None:
    """Raise `Conflict` while another pool falls back to this one."""
    others = list(pool.takes_over_for.order_by("name", "pk").values_list("name", flat=True)[:3])
    if others:
        raise Conflict(
            f"The pool {pool.name} takes over for {', '.join(others)}. Choose another backup pool there first.",
            "pool_in_use",
        )


def _after(leads: Mapping[str, str | None], start: str) -> list[str]:
    """From `start` on, it included; ends at a pool that is not in `leads`, or leads nowhere."""
    found, here = [start], leads.get(start)
    while here is not None and here not in found:
        found.append(here)
        here = leads.get(here)
    return found


def _before(leads: Mapping[str, str | None], pool_id: str) -> int:
    """How many follow each other before they come to this pool."""
    leading = [pk for pk, fallback in leads.items() if fallback == pool_id]
    return max((1 + _before({k: v for k, v in leads.items() if k != pk}, pk) for pk in leading), default=0)
