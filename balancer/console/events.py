"""Health events: which backend went down or came up, on which node, when and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from balancer.console import words
from balancer.console.frame import page
from balancer.models import Backend, Pool
from balancer.queries import health_events
from balancer.queries.health_events import MOST, HealthEvent
from tenants.console.doors import TenantRequest, tenant_page


@dataclass(frozen=True, slots=True)
class EventRow:
    """`address` empty: the backend is gone, or has moved and is gone."""

    event: HealthEvent
    pool: str
    address: str

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.event.at, UTC)

    @property
    def before(self) -> Promise | str:
        return words.OPER.get(self.event.before, self.event.before)

    @property
    def after(self) -> Promise | str:
        return words.OPER.get(self.event.after, self.event.after)

    @property
    def why(self) -> str:
        """HAProxy's word, the code, and what it said."""
        parts = [self.event.check, str(self.event.code or ""), self.event.detail]
        return " · ".join(part for part in parts if part) or str(_("no check said why"))


@tenant_page()
def index(request: TenantRequest) -> HttpResponse:
    pool, backend = request.GET.get("pool", ""), request.GET.get("backend", "")
    try:
        found, away = health_events.read(request.tenant.key), False
    except redis.RedisError:
        found, away = [], True
    fit = [one for one in found if pool in ("", one.pool) and backend in ("", one.backend)]
    context = {
        "rows": rows(fit),
        "away": away,
        "most": MOST,
        "filtered": bool(pool or backend),
        "pools": Pool.objects.order_by("name", "pk"),
        "pool": pool,
        "backend": Backend.objects.filter(pk=backend).first() if backend else None,
    }
    return page(request, "balancer/events.html", context)


def rows(events: Iterable[HealthEvent]) -> list[EventRow]:
    """Two queries."""
    listed = list(events)
    pools = dict(Pool.objects.filter(pk__in={one.pool for one in listed}).values_list("pk", "name"))
    backends = {one.pk: one.address for one in Backend.objects.filter(pk__in={one.backend for one in listed})}
    return [EventRow(one, pools.get(one.pool, ""), backends.get(one.backend, "")) for one in listed]
