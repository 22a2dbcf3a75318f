"""Set what a tenant's clients are held to, and what its answers say."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from balancer.fleet.models import Act
from balancer.haproxy.protection import (
    STATUSES,
    ContentTypeOptions,
    FrameOptions,
    Hsts,
    PermissionsPolicy,
    ReferrerPolicy,
)
from balancer.haproxy.render import LONGEST_CLIENT_BURST_S
from balancer.models import RateLimit, SecurityHeaders
from balancer.queries import protection
from balancer.services import edits, networks, rules
from balancer.services.edits import Changed
from billing.queries import limits
from billing.queries.limits import Limits
from tenants.actor import Actor
from tenants.errors import LimitReached

MOST_RPS = 1_000_000
RPS, BURST = "per_address.requests_per_second", "per_address.burst"


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """`requests_per_second` None: no limit; `burst` None: a second's worth. Networks as somebody wrote them."""

    requests_per_second: int | None = None
    burst: int | None = None
    status: int = 429
    allowed_networks: list[str] = field(default_factory=list)
    trusted_proxies: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Headers:
    hsts: str = Hsts.OFF.value
    content_type_options: str = ContentTypeOptions.OFF.value
    frame_options: str = FrameOptions.OFF.value
    referrer_policy: str = ReferrerPolicy.OFF.value
    permissions_policy: str = PermissionsPolicy.OFF.value


CHOICES = {
    "hsts": Hsts,
    "content_type_options": ContentTypeOptions,
    "frame_options": FrameOptions,
    "referrer_policy": ReferrerPolicy,
    "permissions_policy": PermissionsPolicy,
}


@transaction.atomic
def limit_clients(wanted: ClientLimits, *, by: Actor, now: datetime) -> Changed[RateLimit]:
    """Raise `Refused` naming each field, `LimitReached` for more than the plan allows the tenant as a whole."""
    tenant = edits.hold_tenant()
    values = cleaned(wanted)
    within_plan(values, limits.of(tenant.pk))
    return _set(protection.rate_limit(), values, by=by, now=now)


@transaction.atomic
def dress_answers(wanted: Headers, *, by: Actor, now: datetime) -> Changed[SecurityHeaders]:
    """Raise `Refused` naming each field."""
    edits.hold_tenant()
    problems, values = rules.Problems(), asdict(wanted)
    for name, choices in CHOICES.items():
        problems.take(name, rules.one_of, values[name], [choice.value for choice in choices], what="This")
    problems.raise_any()
    return _set(protection.security_headers(), values, by=by, now=now)


def cleaned(wanted: ClientLimits) -> dict[str, Any]:
    problems, clean = rules.Problems(), asdict(wanted)
    rps, burst = wanted.requests_per_second, wanted.burst
    problems.take(RPS, rules.optional_whole, rps, least=1, most=MOST_RPS, what="Requests a second")
    if burst is not None and rps is None:
        problems.add(BURST, "A burst needs requests a second beside it; give both, or leave both out.")
    if burst is not None and rps is not None and rps > 0:
        most = rps * LONGEST_CLIENT_BURST_S
        problems.take(BURST, rules.whole, burst, least=1, most=most, what="The burst of this rate")
    problems.take("per_address.status", rules.one_of, str(wanted.status), list(map(str, STATUSES)), what="The answer")
    for name in ("allowed_networks", "trusted_proxies"):
        clean[name] = networks.listed(name, clean[name], problems)
    problems.raise_any()
    return clean


def within_plan(values: dict[str, Any], plan: Limits) -> None:
    """One address may have what the whole tenant may, and no more: a larger number would never be reached."""
    for pointer, name, what, most in (
        (RPS, "requests_per_second", "requests a second", plan.requests_per_second),
        (BURST, "burst", "requests in a burst", plan.burst),
    ):
        wanted = values[name]
        if most is not None and wanted is not None and wanted > most:
            raise LimitReached(
                f"Your plan allows {most} {what}; {wanted} is more. Lower it, or choose a larger plan.",
                limit=most,
                used=wanted,
                upgrade_url=f"{settings.BASE_URL}/pricing",
                pointer="/" + pointer.replace(".", "/"),
            )


def _set(row: Any, values: dict[str, Any], *, by: Actor, now: datetime) -> Changed[Any]:
    """Under the tenant's lock: there is one row, and one who writes it."""
    there = row.updated_at is not None
    before = edits.fields_of(row)
    for name, value in values.items():
        setattr(row, name, value)
    row.updated_at = now
    row.save(force_insert=not there, force_update=there)
    return Changed(row, edits.record(Act.UPDATE, row, by=by, now=now, before=before, after=edits.fields_of(row)))
