"""Make a revision here and now, inside the transaction that changed the rows: rollback, deploy, abort."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from balancer.fleet.models import Edit, HostClaim, PortClaim, Revision
from balancer.models import Listener, Route
from balancer.queries import desired_state, objects
from balancer.services import beside, deployments, edits, revisions, trials
from balancer.services.revisions import Gathered, Making
from tenants.models import Tenant

SAME_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('cut ' || %s, 0))"


def release(
    tenant: Tenant, due: Sequence[Edit], *, making: Making, now: datetime, document: objects.Document | None = None
) -> Revision:
    """Last in a transaction that holds the tenant. `document`: the objects that go out where they are not the rows as
    they stand. The nodes are told after the commit. Returns the newest revision, made now or as it was."""
    if document is None:
        document = objects.current()
        gathered = Gathered(list(due), beside.whole(desired_state.of(tenant, document)), document)
    else:
        gathered = Gathered(list(due), beside.composed(tenant, document, now=now), document)
    return put_out(tenant, gathered, making=making, now=now)


def put_out(tenant: Tenant, gathered: Gathered, *, making: Making, now: datetime) -> Revision:
    with connection.cursor() as cursor:
        cursor.execute(SAME_LOCK, [tenant.pk])
    placed = revisions.keep(tenant.pk, gathered, now=now, making=making)
    if placed is None:
        return Revision.objects.filter(tenant=tenant.pk).defer("state").order_by("-number")[:1].get()
    transaction.on_commit(lambda: deployments.dispatch_new(placed.told, placed.nodes, now=now))
    return placed.revision


@transaction.atomic
def at_once(tenant_id: str, *, now: datetime) -> Revision | None:
    """What a cut would do, without waiting for one. None: nothing is due."""
    tenant = edits.hold_tenant()
    there = waiting(tenant_id)
    due = [edit for edit in there if not edit.staged]
    if not due or trials.under_way(tenant_id):
        return None
    if len(due) == len(there):
        return release(tenant, due, making=revisions.BY_A_CUT, now=now)
    gathered = revisions.gather_beside(tenant_id, now=now)
    return put_out(tenant, gathered, making=revisions.BY_A_CUT, now=now) if gathered else None


def waiting(tenant_id: str) -> list[Edit]:
    """Edits that no revision holds, oldest first."""
    return list(Edit.objects.filter(tenant=tenant_id, revision=None).order_by("id"))


def let_go_of_hosts(tenant_id: str) -> None:
    """Of those, and of ports, that neither the rows nor what is deployed has: what is still served is nobody else's to
    take."""
    last = revisions.last_objects(tenant_id)
    served = [row for kind in ("route", "listener") for row in last.get(kind, {}).values()]
    here = list(Listener.objects.values_list("host", "port"))
    used = {*(row.get("host") for row in served), *(host for host, _ in here)}
    used |= set(Route.objects.values_list("host", flat=True))
    HostClaim.objects.filter(tenant=tenant_id).exclude(host__in=used - {None}).delete()
    listening = {row["port"] for row in served if row.get("port")} | {port for _, port in here if port}
    PortClaim.objects.filter(tenant=tenant_id).exclude(port__in=listening).delete()
