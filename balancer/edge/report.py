"""What a node tells the console after it worked."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    CONVERGED = "converged"
    BEHIND = "behind"
    FAILED = "failed"
    RELOAD_DUE = "reload_due"


class TenantOutcome(StrEnum):
    LIVE = "live"
    RELOAD_DUE = "reload_due"
    REFUSED = "refused"
    FAILED = "failed"


class StepKind(StrEnum):
    FILES = "files"
    LOOK = "look"
    COMMAND = "command"
    CHECK = "check"
    RELOAD = "reload"
    CONFIRM = "confirm"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done. `ms`: how long it took."""

    kind: StepKind
    text: str
    reply: str = ""
    ms: float = 0.0


@dataclass(frozen=True, slots=True)
class TenantReport:
    """`reason` is a sentence for the tenant; `words` are HAProxy's, without paths."""

    tenant: str
    generation: int
    digest: str
    outcome: TenantOutcome
    reason: str = ""
    words: str = ""
    request_ids: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    node: str
    generation: int
    outcome: Outcome
    at: float
    version: str
    tenants: tuple[TenantReport, ...] = ()
    words: str = ""
    service: str = ""  # what HAProxy runs of it; empty: a reload is to come

    def to_json(self) -> dict[str, Any]:
        """As `asdict` has it, which copies everything that it finds: a tenth of a change's time here."""
        return {**_fields(self), "tenants": [_tenant(one) for one in self.tenants]}


def _tenant(report: TenantReport) -> dict[str, Any]:
    return {**_fields(report), "steps": [_fields(step) for step in report.steps]}


def _fields(value: Report | TenantReport | Step) -> dict[str, Any]:
    return {field: getattr(value, field) for field in value.__slots__}


class Timeline:
    """The steps of one piece of work, timed as they are done."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    @contextmanager
    def step(self, kind: StepKind, text: str) -> Iterator[None]:
        """Time what happens inside; what it raises becomes the step's reply, and goes on."""
        start = time.perf_counter()
        reply = ""
        try:
            yield
        except Exception as error:
            reply = str(error)
            raise
        finally:
            self.steps.append(Step(kind, text, reply, round((time.perf_counter() - start) * 1000, 3)))


def overall(tenants: Sequence[TenantReport]) -> Outcome:
    """Failed when a tenant failed; a refused one is that tenant's matter, and the node is where it should be."""
    outcomes = {tenant.outcome for tenant in tenants}
    if TenantOutcome.FAILED in outcomes:
        return Outcome.FAILED
    return Outcome.RELOAD_DUE if TenantOutcome.RELOAD_DUE in outcomes else Outcome.CONVERGED
