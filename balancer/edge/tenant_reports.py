"""How a tenant stands on this node, in the form of the report."""

from collections.abc import Sequence

from balancer.edge.fragments import Kept
from balancer.edge.report import Step, TenantOutcome, TenantReport

WAITS = "The change needs a reload, which is about to happen."


def about(kept: Kept, *, steps: Sequence[Step] = (), reason: str = "") -> TenantReport:
    """Live, waiting for a reload, or refused: whichever the newest thing said about it was."""
    held = kept.held
    if held is not None and held.generation >= (kept.target.generation if kept.target else 0):
        return TenantReport(
            tenant=kept.tenant,
            generation=held.generation,
            digest=held.digest,
            outcome=TenantOutcome.REFUSED,
            reason=held.reason,
            words=held.words,
            request_ids=held.request_ids,
            steps=tuple(steps),
        )
    outcome = TenantOutcome.RELOAD_DUE if kept.waiting else TenantOutcome.LIVE
    return _about(kept, outcome, reason or (WAITS if kept.waiting else ""), "", steps)


def failed(kept: Kept, *, reason: str, words: str, steps: Sequence[Step] = ()) -> TenantReport:
    return _about(kept, TenantOutcome.FAILED, reason, words, steps)


def due(kept: Kept, *, reason: str, steps: Sequence[Step] = ()) -> TenantReport:
    return _about(kept, TenantOutcome.RELOAD_DUE, reason, "", steps)


def _about(kept: Kept, outcome: TenantOutcome, reason: str, words: str, steps: Sequence[Step]) -> TenantReport:
    target = kept.target
    return TenantReport(
        tenant=kept.tenant,
        generation=target.generation if target else 0,
        digest=target.digest if target else "",
        outcome=outcome,
        reason=reason,
        words=words,
        request_ids=target.request_ids if target else (),
        steps=tuple(steps),
    )
