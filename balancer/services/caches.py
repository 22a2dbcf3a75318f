"""What routes keep of their pools' answers: how many may, and throwing it away."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from balancer.fleet.models import Act
from balancer.models import Purge, Route
from balancer.services import edits, limits
from balancer.services.edits import Changed
from tenants import scope
from tenants.actor import Actor
from tenants.errors import Conflict, NotFound
from tenants.scope import platform_scope

NONE = "This route keeps no answers, so there is nothing to purge. Give it a cache first."
FULL = "Every place for a cache on your nodes is taken. Ask the service's staff for more, or leave the cache out."
# Every node holds each of its tenants' caches in memory, used or not.
OTHERS = """
SELECT coalesce(sum(jsonb_array_length(jsonb_path_query_array(state, '$.routes[*].handling.cache'))), 0)
FROM fleet_snapshot
WHERE tenant_id <> %s AND cluster_id = (SELECT cluster_id FROM fleet_placement WHERE tenant_id = %s)
"""


def room_for(changes: Iterable[tuple[object, object]]) -> None:
    """Of objects, each before and after; before they are written, under the tenant's lock. Raise `LimitReached` (402)
    for the plan's bound, `Conflict` for the cluster's.

    Of the other tenants the cluster's counts what nodes were told last: what several of them save at once, or have
    waiting to be deployed, may pass it. None waits for another.
    """
    pairs = list(changes)
    more = sum(_keeps(after) - _keeps(before) for before, after in pairs)
    if more > 0:
        limits.room_for_caches(more)
    served = sum(_is_served(after) - _is_served(before) for before, after in pairs)
    if served > 0 and _taken() + served > settings.CACHES_ON_A_CLUSTER:
        raise Conflict(FULL, "no_room_for_caches", "/cache")


def _keeps(thing: object) -> bool:
    return isinstance(thing, Route) and thing.cache is not None


def _is_served(thing: object) -> bool:
    """Nodes are not told of a route that is switched off."""
    return isinstance(thing, Route) and thing.cache is not None and thing.enabled


def _taken() -> int:
    """On the tenant's cluster: its own as they are saved."""
    tenant_id = scope.required().tenant_id
    own = Route.objects.filter(cache__isnull=False, enabled=True).count()
    with platform_scope(), connection.cursor() as cursor:
        cursor.execute(OTHERS, [tenant_id, tenant_id])
        return own + int(cursor.fetchone()[0])


@transaction.atomic
def purge(route: Route, *, by: Actor, now: datetime) -> Changed[Route]:
    """Answer nothing any more that is kept now. In force on a node once it confirms the change; meant at once,
    whatever waits to be deployed. Raise `Conflict` where nothing is kept."""
    edits.hold_tenant()
    found = Route.objects.select_for_update().filter(pk=route.pk).first()
    if found is None:
        raise NotFound("This route was deleted in the meantime.")
    if found.cache is None:
        raise Conflict(NONE, "no_cache")
    last = Purge.objects.filter(pk=found.pk).first()
    mark = max(int(now.timestamp() * 1000), last.mark + 1 if last else 0)
    Purge.objects.update_or_create(route=found.pk, defaults={"mark": mark, "at": now})
    return Changed(found, edits.record(Act.PURGE, found, by=by, now=now))
