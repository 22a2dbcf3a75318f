"""The two pieces of work that a node is asked for: bring it to a message's state, and do the reload that is due."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from balancer.edge.bring import bring
from balancer.edge.loader import load
from balancer.edge.message import Message, accept
from balancer.edge.node import Node
from balancer.edge.report import Outcome, Report, TenantReport, overall
from balancer.edge.tenant_reports import about

Clock = Callable[[], float]


def converge(node: Node, message: Message, *, clock: Clock = time.time) -> Report:
    """Take what is newer and bring HAProxy there; with nothing newer, repair what is not sure.

    Safe to repeat, and to be killed at any moment: the next call looks again. Raises NodeBusy.
    """
    with node.locked():
        if message.since > node.store.generation:
            return _report(node, (), clock, outcome=Outcome.BEHIND)
        if message.service is not None:
            node.serve(message.service)
        accepted = accept(node.store, message)
        if message.anew:
            node.store.put(*accepted.taken)
            node.store.unsure |= node.store.kept.keys()
            node.mend()
        node.store.put(*accepted.refused)
        # Commands may have been on the way to what was wanted before.
        node.store.unsure |= {kept.tenant for kept in accepted.refused}
        reports = bring(node, accepted.taken)
        said = {report.tenant for report in reports}
        mentioned = [*accepted.known, *(kept.tenant for kept in accepted.refused)]
        reports += [about(node.store.kept[key]) for key in mentioned if key in node.store.kept and key not in said]
        node.store.reached(message.generation, since=message.since)
        node.reload_wanted |= message.force_reload or message.anew
        return _report(node, reports, clock)


def reload(node: Node, *, clock: Clock = time.time) -> Report:
    """Do the reload that is due, if one still is. Raises NodeBusy."""
    with node.locked():
        # After an answer that never came it is not known what is due.
        reports = bring(node, ()) if node.store.unsure else []
        if node.reload_due and not node.store.unsure:
            loaded = load(node, now=datetime.fromtimestamp(clock(), UTC))
            said = {report.tenant for report in loaded}
            reports = [*(report for report in reports if report.tenant not in said), *loaded]
        return _report(node, reports, clock)


def resume(node: Node, *, clock: Clock = time.time) -> Report:
    """Go on with what is not sure, or had to wait. Raises NodeBusy."""
    with node.locked():
        return _report(node, bring(node, ()), clock)


def repair(node: Node, *, clock: Clock = time.time) -> Report:
    """Look at everything again, as after a restart of HAProxy, where drift was seen, or each day. Raises NodeBusy."""
    with node.locked():
        node.store.unsure |= node.store.kept.keys()
        node.reload_wanted |= node.certificate_due(clock()) or any(kept.left_out for kept in node.store.kept.values())
        return _report(node, bring(node, ()), clock)


def _report(node: Node, tenants: Sequence[TenantReport], clock: Clock, *, outcome: Outcome | None = None) -> Report:
    found = outcome or overall(tenants)
    if found is Outcome.CONVERGED and node.reload_due:
        found = Outcome.RELOAD_DUE
    return Report(
        node=node.environment.id,
        generation=node.store.generation,
        outcome=found,
        at=clock(),
        version=node.version,
        service=node.service if not node.service_due else "",
        tenants=tuple(tenants),
        words="\n".join(dict.fromkeys(one.words for one in tenants if one.words and one.outcome == "failed")),
    )
