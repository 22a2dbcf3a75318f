"""One node first: which, for how long, and what it shows. What follows from it is `canary`'s."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from balancer.fleet.models import JOINED, Delivery, Deployment, DeploymentState, Node, Revision, Trial
from balancer.queries import one_node
from balancer.services.deployments import AWAY_AFTER

SECONDS = 30
LEAST_ERRORS = 5  # fewer say nothing
LEAST_BEFORE = 20  # requests just before; with fewer, all since its HAProxy started are taken
MORE_ERRORS = 0.05  # of all requests, beyond what there was before
WAITS = "Waits for {node}, which tries it first."


@dataclass(frozen=True, slots=True)
class Wanted:
    node: Node
    seconds: int


def wanted(tenant_id: str, canary: bool | None) -> Wanted | None:
    """The node that tries first; None where it is not asked for, or fewer than two nodes are there."""
    if canary is False:
        return None
    delivery = Delivery.objects.filter(tenant=tenant_id).first()
    if not (canary or (delivery and delivery.canary)):
        return None
    nodes = list(Node.objects.filter(JOINED, cluster__placements__tenant=tenant_id).order_by("name"))
    last = max((node.heartbeat_at for node in nodes if node.heartbeat_at), default=None)
    here = [node for node in nodes if last and node.heartbeat_at and node.heartbeat_at >= last - AWAY_AFTER]
    if len(here) < 2:
        return None
    first = next((node for node in here if node.cordoned_at is None), here[0])
    return Wanted(first, delivery.canary_seconds if delivery else SECONDS)


def begin(revision: Revision, trial: Wanted, *, generation: int, now: datetime) -> Trial:
    """After `open_for`, in its transaction. An earlier trial ends with it."""
    end(revision.tenant_id, "A newer revision took its place.", now=now)
    others = Deployment.objects.filter(revision=revision, generation=generation).exclude(node=trial.node)
    others.update(reason=WAITS.format(node=trial.node.name))
    return Trial.objects.create(
        tenant_id=revision.tenant_id,
        revision=revision,
        node=trial.node,
        generation=generation,
        seconds=trial.seconds,
        before={
            **one_node.seen(f"t{revision.tenant_id}", trial.node.name),
            "lately": one_node.lately(f"t{revision.tenant_id}", trial.node.name, now=now),
        },
        began_at=now,
    )


def all_under_way() -> list[str]:
    """Tenants with a trial. In the platform's scope; one query."""
    there = Trial.objects.filter(ended_at=None)
    return list(there.order_by("tenant_id").values_list("tenant_id", flat=True))


def under_way(tenant_id: str) -> bool:
    return Trial.objects.filter(tenant=tenant_id, ended_at=None).exists()


def end(tenant_id: str, verdict: str, *, now: datetime) -> None:
    Trial.objects.filter(tenant=tenant_id, ended_at=None).update(ended_at=now, verdict=verdict)


def deployment_of(trial: Trial) -> Deployment | None:
    return Deployment.objects.filter(
        node=trial.node_id, revision=trial.revision_id, generation=trial.generation
    ).first()


def refused(deployment: Deployment | None) -> str:
    """Why the node does not take it; empty where it may yet."""
    if deployment is None or deployment.state not in (DeploymentState.REFUSED, DeploymentState.FAILED):
        return ""
    return deployment.reason or "The node did not take it."


def worse(before: Mapping[str, object], seen: Mapping[str, object], *, names: Mapping[str, str], done: bool) -> str:
    """What got worse, in a sentence; empty where nothing did. `names`: pool key → what its people call it; `done`: the
    time is over, so that what is new has had its chance."""
    return errors_rose(before, seen) or health_fell(before, seen, names=names, done=done)


def errors_rose(before: Mapping[str, object], seen: Mapping[str, object]) -> str:
    requests, errors = (_number(seen, what) - _number(before, what) for what in ("requests", "errors"))
    if requests < 0 or errors < 0:  # who counts began anew
        requests, errors = _number(seen, "requests"), _number(seen, "errors")
    share = errors / requests if requests else 0.0
    lately = before.get("lately")
    known = isinstance(lately, dict) and _number(lately, "requests") >= LEAST_BEFORE
    base = lately if known and isinstance(lately, dict) else before
    earlier = _number(base, "errors") / _number(base, "requests") if _number(base, "requests") else 0.0
    if errors < LEAST_ERRORS or share <= earlier + MORE_ERRORS:
        return ""
    when = f"in the {_number(base, 'seconds')} s before" if known else "since its HAProxy started, before,"
    return f"{errors} of {requests} requests were answered with a 5xx ({share:.0%}); {when} it was {earlier:.1%}."


def health_fell(
    before: Mapping[str, object], seen: Mapping[str, object], *, names: Mapping[str, str], done: bool
) -> str:
    earlier, later = _pools(before), _pools(seen)
    for key, (up, total) in sorted(later.items()):
        if key not in names or not total:
            continue
        was_up, was_total = earlier.get(key, (0, 0))
        known = was_up > 0
        if (known or done) and up == 0:
            there = f"{was_up} of {was_total} were before" if known else "it is new"
            return f"No backend of the pool {names[key]} is healthy; {there}."
        if known and up / total < was_up / was_total / 2:
            return (
                f"{up} of {total} backends of the pool {names[key]} are healthy; before it was {was_up} of {was_total}."
            )
    return ""


def _number(seen: Mapping[str, object], what: str) -> int:
    value = seen.get(what, 0)
    return value if isinstance(value, int) else 0


def _pools(seen: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    found = seen.get("pools", {})
    return {key: (int(up), int(total)) for key, (up, total) in found.items()} if isinstance(found, dict) else {}
