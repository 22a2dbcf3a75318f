"""The two pieces of work that a node is asked for: bring it to a message's state, and do the reload that is due."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from balancer.edge.bring import bring
from balancer.edge.errors import Unwritable
from balancer.edge.loader import load
from balancer.edge.message import Message, accept
from balancer.edge.node import Node
from balancer.edge.report import Outcome, Report, TenantOutcome, TenantReport, overall
from balancer.edge.tenant_reports import about, failed

Clock = Callable[[], float]

KEPT_BACK = "What served before still serves, and the change is tried again by itself."


def converge(node: Node, message: Message, *, clock: Clock = time.time) -> Report:
    """Take what is newer and bring HAProxy there; with nothing newer, repair what is not sure.

    Safe to repeat, and to be killed at any moment: the next call looks again. Raises NodeBusy.
    """
    news = [data for data in message.fragments if _is_news(node, data)]
    try:
        return _converge(node, message, clock)
    except Unwritable as error:
        return _unwritten(node, [_not_taken(data, error) for data in news], clock, error)


def _converge(node: Node, message: Message, clock: Clock) -> Report:
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
    return _at_work(node, clock, lambda: _reload(node, clock))


def _reload(node: Node, clock: Clock) -> Report:
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
    return _at_work(node, clock, lambda: _resume(node, clock))


def _resume(node: Node, clock: Clock) -> Report:
    with node.locked():
        return _report(node, bring(node, ()), clock)


def repair(node: Node, *, clock: Clock = time.time) -> Report:
    """Look at everything again, as after a restart of HAProxy, where drift was seen, or each day. Raises NodeBusy."""
    return _at_work(node, clock, lambda: _repair(node, clock))


def _repair(node: Node, clock: Clock) -> Report:
    with node.locked():
        node.store.unsure |= node.store.kept.keys()
        node.reload_wanted |= node.certificate_due(clock()) or any(kept.left_out for kept in node.store.kept.values())
        return _report(node, bring(node, ()), clock)


def _at_work(node: Node, clock: Clock, work: Callable[[], Report]) -> Report:
    try:
        return work()
    except Unwritable as error:
        waiting = [kept for kept in node.store.kept.values() if kept.waiting]
        said = [failed(kept, reason=f"{error} {KEPT_BACK}", words=str(error)) for kept in waiting]
        return _unwritten(node, said, clock, error)


def _is_news(node: Node, data: Mapping[str, Any]) -> bool:
    kept = node.store.kept.get(str(data["tenant"]))
    return kept is None or int(data["generation"]) > kept.generation


def _not_taken(data: Mapping[str, Any], error: Unwritable) -> TenantReport:
    return TenantReport(
        tenant=str(data["tenant"]),
        generation=int(data["generation"]),
        digest=str(data["digest"]),
        outcome=TenantOutcome.FAILED,
        reason=f"{error} {KEPT_BACK}",
        words=str(error),
        request_ids=tuple(str(one) for one in data.get("request_ids", ())),
    )


def _unwritten(node: Node, tenants: Sequence[TenantReport], clock: Clock, error: Unwritable) -> Report:
    """The disk took a part or nothing: whoever works next goes on from what it holds, as after a crash."""
    node.store.forget()
    return replace(_report(node, tenants, clock, outcome=Outcome.FAILED), words=str(error))


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
