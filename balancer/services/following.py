"""Tell a tenant's nodes where its names lead now.

What names lead to is observed, not changed by anybody: it makes no edit and no revision, but the snapshot of the
revision that is deployed, composed anew with a generation of its own. So it goes out beside whatever waits to be
deployed, undoes no rollback, and the history holds what people did.
"""

from datetime import datetime

import structlog
from django.db import transaction

from balancer.fleet.models import JOINED, Deployment, DeploymentState, NameUse, Node, Snapshot
from balancer.queries import names
from balancer.services import deployments, fragments, revisions, trials, turns
from balancer.services.fragments import Told
from balancer.services.revisions import Placed

log = structlog.get_logger(__name__)


def follow(tenant_id: str, *, now: datetime) -> Told | None:
    """In the tenant's scope, outside a transaction; safe to repeat. None: its nodes know already. While one node tries
    a revision the others wait, and so does this: the mark stays, and whoever looks for marks asks again."""
    with turns.one_at_a_time(tenant_id):
        placed = compose_again(tenant_id)
    if placed is None:
        return None
    deployments.dispatch_new(placed.told, placed.nodes, now=now)
    log.info("names followed", tenant=tenant_id, generation=placed.told.generation)
    return placed.told


@transaction.atomic
def compose_again(tenant_id: str) -> Placed | None:
    """Takes the mark away before it reads what names lead to: what changes after that marks again."""
    if trials.under_way(tenant_id):
        return None
    NameUse.objects.filter(tenant=tenant_id, behind=True).update(behind=False)
    here = Snapshot.objects.select_related("revision").filter(
        tenant=tenant_id, cluster__placements__tenant=tenant_id, revision__isnull=False
    )
    old = here.defer("state", "revision__state").first()
    if old is None or old.revision is None:
        return None
    state = fragments.state_of(old.revision)
    _, digest = names.told(state, old.revision.digest, tenant_id)
    if digest == old.digest:
        return None
    fresh, told = revisions.next_snapshot(old.revision, state, [])
    revisions.put_in_place(fresh)
    # What a node says of it from here on, it says of the same revision.
    deployed = Deployment.objects.filter(tenant=tenant_id, generation=old.generation, revision=old.revision_id)
    deployed.exclude(state=DeploymentState.SUPERSEDED).update(generation=fresh.generation)
    return Placed(old.revision, told, list(Node.objects.filter(JOINED, cluster=fresh.cluster_id)))
