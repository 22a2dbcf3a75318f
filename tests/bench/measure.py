"""Figures: medians with their spread, and always a ratio to something measured in the same run."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """A row of the table. `floor` says what it is compared with; `ratio` is value over floor, None without one.
    `reached` None: it is told, and nothing was asked of it."""

    row: str
    what: str
    value: str
    floor: str
    ratio: float | None
    reach: str
    reached: bool | None


@dataclass(slots=True)
class Samples:
    """Seconds."""

    values: list[float] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        self.values.append(seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def quantile(self, share: float) -> float:
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def __str__(self) -> str:
        low, high = min(self.values), max(self.values)
        return f"{ms(self.median)} ({ms(low)}–{ms(high)}, n={len(self.values)})"


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def timed(act: Callable[[], object], *, times: int, warmup: int = 1) -> Samples:
    for _ in range(warmup):
        act()
    samples = Samples()
    for _ in range(times):
        start = time.perf_counter()
        act()
        samples.add(time.perf_counter() - start)
    return samples
