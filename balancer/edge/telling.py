"""Which frame told what, so that the console can say after which one it lacks something, and is told just that again.

Frames are numbered. Each says up to which number everything told before it has arrived, or is due again (`since`): from
then on it is the console's to notice a number that does not come (`services.status_scripts.HEARD`), and ours to keep in
mind what has to be told again. Tenants that are due are told whole, some with each frame: that is the only way in which
much is told at once, at the start too.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from balancer.edge.message import understood

NOTHING = -1  # of the numbers of frames
ROUND_S = 3600.0  # in which every tenant is told whole, whatever happened to what was told before
STEPS = 60  # of a round


@dataclass(frozen=True, slots=True)
class Lacking:
    """The console's word: of this run it has everything up to this frame, and no more."""

    run: str
    after: int

    @classmethod
    def from_body(cls, body: str, *, node: str) -> "Lacking":
        """Raises BadMessage."""
        return understood(
            body,
            node=node,
            act="tell_again",
            read=lambda data: cls(str(data["run"]), max(NOTHING, int(data["after"]))),
        )


class Telling:
    """`run` names this process's life: it knows what it told itself, and nothing of one before it."""

    def __init__(self, run: str) -> None:
        self.run = run
        self._next = 0
        self._since = self._last_since = NOTHING
        self._told: dict[str, int] = {}  # tenant → the newest frame that told something of it
        self._due: dict[str, None] = {}
        self._listed = NOTHING  # the newest frame that named every tenant
        self._unlisted = True
        self._round: list[str] = []
        self._round_at = 0.0

    def lacks(self, run: str, after: int) -> None:
        """The console has nothing of what was told after this frame; NOTHING: nothing at all."""
        if run != self.run:
            return
        self._since = min(self._since, after)
        self._due |= {tenant: None for tenant, number in self._told.items() if number > after}
        self._unlisted |= self._listed > after or after == NOTHING

    def lost(self) -> None:
        """The last frame could not be sent."""
        self.lacks(self.run, self._last_since)

    def owe(self, tenants: Iterable[str]) -> None:
        """Tell these whole, in their turn."""
        self._due |= dict.fromkeys(tenants)

    def behind(self, now: float) -> bool:
        """Is anything due, whatever changed?"""
        return bool(self._due) or self._unlisted or now >= self._round_at

    def share(self, rows: Mapping[str, int], *, now: float, most: float) -> list[str]:
        """The tenants to tell whole with the next frame, of those that are due. `rows`: each tenant that there is, and
        how much there is to tell of it; `most`: about so much."""
        if self._unlisted:
            self._due |= dict.fromkeys(rows.keys() - self._told.keys())
        self._go_round(rows, now)
        taken: list[str] = []
        while self._due and most > 0:
            tenant = next(iter(self._due))
            del self._due[tenant]
            taken.append(tenant)
            most -= max(1, rows.get(tenant, 0))
        return taken

    def frame(self, told: Iterable[str], whole: Collection[str], there: Iterable[str] | None) -> dict[str, Any]:
        """What the next frame says of itself. `told`: the tenants that it speaks of; `there`: every one there is, None
        where nobody knows."""
        number, since = self._next, self._since
        self._told |= dict.fromkeys([*told, *whole], number)
        head: dict[str, Any] = {"run": self.run, "number": number, "since": since, "whole": sorted(whole)}
        if self._unlisted and there is not None:
            head["tenants"] = sorted(there)
            self._unlisted, self._listed = False, number
        self._last_since, self._since, self._next = since, number, number + 1
        return head

    def _go_round(self, rows: Mapping[str, int], now: float) -> None:
        if now < self._round_at:
            return
        if self._round_at:
            if not self._round:
                self._round = sorted(rows)
            step = ceil(len(rows) / STEPS)
            self._due |= dict.fromkeys(self._round[:step])
            del self._round[:step]
        self._round_at = now + ROUND_S / STEPS
