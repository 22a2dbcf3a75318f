"""What a running process can be brought to at once: look, plan, write down, command."""

from collections.abc import Sequence
from dataclasses import dataclass

from balancer.edge.errors import EdgeError
from balancer.edge.execute import Executed, execute
from balancer.edge.fragments import Kept
from balancer.edge.look import Stages, look_at, look_at_all
from balancer.edge.node import Node
from balancer.edge.report import StepKind, TenantReport, Timeline
from balancer.edge.tenant_reports import about, due, failed
from balancer.edge.tree import Piece, piece_of
from balancer.haproxy.planner import Steps, plan_steps
from balancer.haproxy.replies import Verdict
from balancer.haproxy.running import Running

SILENT = "The node did not answer; it is brought there as soon as it does."
REFUSED = "HAProxy did not take a command; a reload brings the change."


@dataclass(frozen=True, slots=True)
class Plan:
    """`kept` as it stands once `steps.commands` ran."""

    kept: Kept
    steps: Steps


def bring(node: Node, taken: Sequence[Kept]) -> list[TenantReport]:
    """Bring these tenants, and those of which nothing is sure, as far as commands can. Call under the node's lock."""
    work = {kept.tenant: kept for kept in taken}
    for key in sorted(node.store.unsure | node.later):
        if key in node.store.kept:
            work.setdefault(key, node.store.kept[key])
    if not work:
        return []
    timeline = Timeline()
    try:
        with timeline.step(StepKind.LOOK, "look at what runs"):
            running = _look(node, work)
            plans = [_plan(node, kept, running) for kept in work.values()]
    except EdgeError as error:
        return _silent(node, list(work.values()), timeline, str(error))
    with timeline.step(StepKind.FILES, "write down what shall be"):
        _write(node, plans)
    return _command(node, plans, timeline)


def _look(node: Node, work: dict[str, Kept]) -> Running:
    """Of a tenant that waits for a reload some of the way is gone already: what it was brought towards is looked at."""
    if node.store.unsure:
        return look_at_all(node.runtime)
    return look_at(node.runtime, [_stages(node.store.kept.get(key), kept) for key, kept in work.items()])


def _stages(before: Kept | None, kept: Kept) -> Stages:
    if before is None or not before.waiting:
        return kept.loaded_state, kept.target_state
    return kept.loaded_state, before.target_state, kept.target_state


def _plan(node: Node, kept: Kept, running: Running) -> Plan:
    if kept.loaded_state is None and kept.target_state is None:
        return Plan(kept.taken(), Steps())
    steps = plan_steps(kept.loaded_state, kept.target_state, running, node.capabilities)
    return Plan(kept if steps.reload else kept.taken(), steps)


def _write(node: Node, plans: Sequence[Plan]) -> None:
    """Oldest first (`store`), and before any command: a process that starts now arrives at the same state."""
    updates: dict[str, Piece | None] = {}
    _remember(node, [plan.kept for plan in plans])
    for kept in (plan.kept for plan in plans if not plan.kept.waiting):
        updates[kept.tenant] = piece_of(kept.target_state) if kept.target_state else None
    changes = node.tree.changes(updates)
    if node.trees.number is not None:
        node.trees.change(changes)
    node.tree.apply(updates)


def _command(node: Node, plans: Sequence[Plan], timeline: Timeline) -> list[TenantReport]:
    tenants = {plan.kept.tenant for plan in plans}
    try:
        with timeline.step(StepKind.COMMAND, "run the commands"):
            done = execute(node.runtime, [plan.steps.commands for plan in plans])
    except EdgeError as error:
        node.store.unsure |= tenants
        node.silences += 1
        return [failed(plan.kept, reason=SILENT, words=str(error), steps=timeline.steps) for plan in plans]
    timeline.steps.pop()  # each tenant's own commands say more
    node.store.unsure -= tenants
    node.silences = 0
    return [_settle(node, plan, own, timeline) for plan, own in zip(plans, done, strict=True)]


def _settle(node: Node, plan: Plan, done: Executed, timeline: Timeline) -> TenantReport:
    kept = plan.kept
    steps = [*timeline.steps, *done.steps]
    node.later.discard(kept.tenant)
    if done.worst is Verdict.REFUSED:
        node.reload_wanted = True
        node.refused.add(kept.tenant)
        return due(kept, reason=REFUSED, steps=steps)
    if done.worst is Verdict.LATER:
        node.later.add(kept.tenant)
    if kept.target_state is None and not kept.waiting:
        node.store.drop(kept.tenant)
    return about(kept, steps=steps, reason="; ".join(plan.steps.reload))


def _silent(node: Node, work: Sequence[Kept], timeline: Timeline, words: str) -> list[TenantReport]:
    """Remember what was asked; whoever starts HAProxy again, or looks again, finds it."""
    _remember(node, work)
    node.store.unsure |= {kept.tenant for kept in work}
    node.silences += 1
    return [failed(kept, reason=SILENT, words=words, steps=timeline.steps) for kept in work]


def _remember(node: Node, work: Sequence[Kept]) -> None:
    node.store.put(*(kept for kept in work if node.store.kept.get(kept.tenant) != kept))
