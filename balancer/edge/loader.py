"""The reload: stage, check, test-bind, swap, reload, confirm, look again, correct; or back to the tree that served.

`haproxy.md 1.3`. A tenant whose sections HAProxy refuses is held back, and the rest goes on.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from balancer.edge import binds, certificates, files, ports, upstream_files
from balancer.edge.bring import bring
from balancer.edge.check import TreeRefused, check
from balancer.edge.confirm import confirm, frontends_open, order, replaced
from balancer.edge.errors import EdgeError, ReloadFailed, Unwritable
from balancer.edge.fragments import Kept
from balancer.edge.look import listening, server_states
from balancer.edge.node import Node
from balancer.edge.report import StepKind, TenantOutcome, TenantReport, Timeline
from balancer.edge.states import over_a_reload, worth_remembering
from balancer.edge.tenant_reports import failed
from balancer.edge.tree import FRONTENDS, GLOBAL, Piece, piece_of
from balancer.haproxy.desired import Tenant
from balancer.haproxy.render import CERTIFICATE_LIST
from balancer.haproxy.show import Processes

log = structlog.get_logger(__name__)

REFUSED = "HAProxy does not accept this configuration; the previous one stays in force."
FAILED = "The reload did not succeed; what served before still serves, and it is tried again."


@dataclass(slots=True)
class Load:
    """One reload in the making. `going` are the tenants that it brings, `held` those that it leaves behind."""

    node: Node
    going: dict[str, Kept]
    held: list[Kept] = field(default_factory=list)
    timeline: Timeline = field(default_factory=Timeline)
    updates: dict[str, Piece | None] = field(default_factory=dict)

    def stage(self) -> int:
        node = self.node
        with self.timeline.step(StepKind.FILES, "stage the tree"):
            states = {key: kept.target_state for key, kept in self.going.items()}
            self.updates = {key: piece_of(state) if state else None for key, state in states.items()}
            own = node.fixed_texts() if node.service_due else node.own
            return node.trees.stage({**own, **node.tree.changes(self.updates)}, base=node.trees.number)


def load(node: Node, *, now: datetime) -> list[TenantReport]:
    """Reload what waits, and say of each tenant how it went. Call under the node's lock."""
    waiting = {key: node.store.kept[key] for key in node.store.waiting}
    work = Load(node, dict(waiting))
    started = node.reload_began = time.monotonic()
    try:
        _keep_certificate(work, now)
        listened = _give_ports(work)
        moved = _go(work)
    except EdgeError as error:
        node.reload_failures += 1
        if isinstance(error, Unwritable):
            node.store.forget()
        node.store.unsure |= waiting.keys()
        return [failed(kept, reason=FAILED, words=str(error), steps=work.timeline.steps) for kept in waiting.values()]
    finally:
        node.reload_began = None
    if moved:
        node.reload_ended = time.monotonic()
        node.reload_took = node.reload_ended - started
    node.reload_wanted = False
    reports = _corrected(work)
    node.reload_wanted |= ports.to_come(node.store.kept.values(), listened=listened)
    return reports


def _give_ports(work: Load) -> frozenset[str]:
    """Whoever's port somebody else on the machine has goes without it. Returns what listens now. Raises
    NodeUnreachable."""
    node = work.node
    if not any(kept.wanted_ports for kept in node.store.kept.values()):
        return frozenset()
    with work.timeline.step(StepKind.CHECK, "test-bind new ports"):
        names = listening(node.runtime)
        work.going |= ports.as_can_be_had(node, listening=names)
    return names


def _keep_certificate(work: Load, now: datetime) -> None:
    """The new worker reads it again: without it HAProxy would refuse the tree, as if the tenants were at fault.

    Raises NoCertificate.
    """
    environment = work.node.environment
    if (environment.current / CERTIFICATE_LIST).exists():
        with work.timeline.step(StepKind.FILES, "keep the node's certificate"):
            said = certificates.keep(environment.certificates, name=environment.name, now=now)
        if said:
            log.warning("certificate", words=said)


def _go(work: Load) -> bool:
    """Returns whether a reload was needed after all. Raises EdgeError with the previous tree back in use."""
    node = work.node
    before = node.trees.number
    staged = _checked(work)
    if not work.going and not node.reload_wanted and not node.service_due:
        node.trees.clean()
        # Commands were on the way to what is held back now, and no new worker forgets them.
        node.store.unsure |= {kept.tenant for kept in work.held}
        return False
    with work.timeline.step(StepKind.CHECK, "test-bind new addresses"):
        binds.require_free(_addresses(node, staged) - _addresses(node, before))
    _carry_over(work)
    node.trees.use(staged)
    _reload(work, before)
    node.own = {}
    node.store.put(*(kept.taken() for kept in work.going.values()))
    node.tree.apply(work.updates)
    node.trees.clean(before)
    states = (state for one in node.store.kept.values() for state in (one.target_state, one.loaded_state))
    upstream_files.clean(node.environment.certificates, states)
    return True


def _checked(work: Load) -> int:
    """A staged tree that HAProxy takes, without the tenants that it refuses."""
    staged = work.stage()
    try:
        with work.timeline.step(StepKind.CHECK, "haproxy -c"):
            _check(work, staged)
    except TreeRefused as error:
        _hold(work, staged, str(error))
        staged = work.stage()
        with work.timeline.step(StepKind.CHECK, "haproxy -c without what was refused"):
            _check(work, staged)
    return staged


def _check(work: Load, staged: int) -> None:
    """The frontends choose pools by map, so that a shard stands alone: only what changed is read."""
    path = work.node.trees.path(staged)
    shards = [name for name in work.node.tree.changes(work.updates) if name.endswith(".cfg")]
    if work.node.reload_wanted:
        shards = sorted(one.name for one in path.glob("50-shard-*.cfg"))
    present = [path / name for name in sorted(shards) if (path / name).exists()]
    check(work.node.environment.haproxy, [path / GLOBAL, path / FRONTENDS, *present])


def _hold(work: Load, staged: int, words: str) -> None:
    """Find who is refused; where nobody is refused alone, nobody can be told apart and all are."""
    states = [kept.target_state for kept in work.going.values() if kept.target_state is not None]
    refused = dict(_refused(work.node, staged, states)) or {state.key: words for state in states}
    for key, own_words in refused.items():
        del work.going[key]
        back = work.node.store.kept[key].held_back(reason=REFUSED, words=own_words)
        work.node.store.put(back)
        work.held.append(back)


def _refused(node: Node, staged: int, states: Sequence[Tenant]) -> list[tuple[str, str]]:
    """Halve until each refused tenant is alone: few refusals among many are found with few checks."""
    path = node.trees.path(staged)
    alone = files.folder(path / "alone") / "alone.cfg"
    files.write(alone, "".join(piece_of(state).sections for state in states) or "\n")
    try:
        check(node.environment.haproxy, [path / GLOBAL, path / FRONTENDS, alone])
    except TreeRefused as error:
        if len(states) == 1:
            return [(states[0].key, str(error))]
        half = len(states) // 2
        return _refused(node, staged, states[:half]) + _refused(node, staged, states[half:])
    return []


def _addresses(node: Node, number: int | None) -> frozenset[str]:
    if number is None:
        return frozenset()
    return binds.addresses((node.trees.path(number) / FRONTENDS).read_text())


def _carry_over(work: Load) -> None:
    node = work.node
    with work.timeline.step(StepKind.FILES, "carry over what servers are"):
        to_come = {**node.store.kept, **work.going}
        servers = worth_remembering(kept.target_state for kept in to_come.values() if kept.target_state is not None)
        files.write(node.state_file, over_a_reload(server_states(node.runtime, servers), servers))


def _reload(work: Load, previous: int | None) -> None:
    """Raises EdgeError, with the previous tree in use and serving."""
    node = work.node
    before: Processes | None = None
    try:
        with work.timeline.step(StepKind.RELOAD, "reload"):
            before = order(node)
        with work.timeline.step(StepKind.CONFIRM, "a new worker serves"):
            confirm(node, before)
        with work.timeline.step(StepKind.CONFIRM, "all frontends are open"):
            frontends_open(node)
    except EdgeError:
        with work.timeline.step(StepKind.ROLLBACK, "back to the previous tree"):
            if previous is not None:
                node.trees.use(previous)
            if before is not None:
                _roll_back(node, before)
        raise


def _roll_back(node: Node, before: Processes) -> None:
    """The previous tree is in use again; load it at once where the new one runs, or left frontends paused."""
    try:
        frontends_open(node)
        moved = replaced(node, before)
    except ReloadFailed:
        moved = True
    if moved:
        confirm(node, order(node))


def _corrected(work: Load) -> list[TenantReport]:
    """Look again at whom the reload was for, and correct them. The others come from files that commands had kept up
    with; whether they run as they should is the drift scan's to see (`stats`), which holds up nobody's change."""
    node = work.node
    mine = {*work.going, *(kept.tenant for kept in work.held), *node.refused}
    node.refused.clear()
    reports = bring(node, [node.store.kept[key] for key in sorted(mine & node.store.kept.keys())])
    node.reload_failures = node.reload_failures + 1 if node.reload_wanted else 0
    shared = tuple(work.timeline.steps)
    return [
        replace(report, steps=(*shared, *report.steps)) if report.tenant in mine else report
        for report in reports
        if report.tenant in mine or report.outcome is not TenantOutcome.LIVE
    ]
