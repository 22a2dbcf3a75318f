"""Run a plan's commands on a node, and judge each reply."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from balancer.edge.report import Step, StepKind
from balancer.edge.runtime import Runtime, without_severity
from balancer.haproxy.commands import Command
from balancer.haproxy.replies import Verdict, judge


@dataclass(frozen=True, slots=True)
class Executed:
    """`worst`: REFUSED when HAProxy refused any, LATER when one has to be asked again."""

    steps: tuple[Step, ...]
    worst: Verdict


def execute(runtime: Runtime, plans: Sequence[Sequence[Command]]) -> list[Executed]:
    """All plans' commands in as few connections as can be. Raises NodeUnreachable: some may have been acted on."""
    lines = [[line for command in commands for line in command.lines()] for commands in plans]
    start = time.perf_counter()
    replies = iter(runtime.ask_all([line for own in lines for line in own]))
    each = (time.perf_counter() - start) * 1000 / max(sum(map(len, lines)), 1)
    return [_executed([(line, next(replies)) for line in own], each) for own in lines]


def _executed(exchanges: Sequence[tuple[str, str]], ms: float) -> Executed:
    verdicts = {judge(line, reply) for line, reply in exchanges}
    worst = next((one for one in (Verdict.REFUSED, Verdict.LATER) if one in verdicts), Verdict.DONE)
    steps = tuple(Step(StepKind.COMMAND, line, without_severity(reply), round(ms, 3)) for line, reply in exchanges)
    return Executed(steps=steps, worst=worst)
