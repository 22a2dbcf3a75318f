"""The rules of a frontend, in HAProxy's order, walked for one host: what routes say the same, the first one first.

A rule that holds for some requests only splits the others off; one that leaves a path out (`!path_beg /x`) is said by
what those requests get instead, in routes before it. So the order of the routes is all that is needed.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

from .atoms import Path
from .conditions import Conj
from .facts import Facts, narrowed
from .paths import Paths
from .said import Inexpressible
from .sections import Unreadable
from .steps import STOP, Change, Edits, Redirect, Respond, Rules, Send, Skip, Step

MOST = 300  # routes of one file


class Stuck(Exception):
    """A line that cannot be said together with those before it."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


@dataclass(frozen=True, slots=True)
class Led:
    """A route to be: `to` is a pool's name, or an answer; `whose` the frontend that it comes from."""

    facts: Facts
    to: str | Redirect | Respond
    edits: Edits
    lines: frozenset[int]
    whose: str


@dataclass(frozen=True, slots=True)
class _One:
    """A step's alternative; `after` is where its other alternatives end."""

    step: Step
    conj: Conj
    after: int


@dataclass(frozen=True, slots=True)
class Flat:
    """`Rules` with each alternative by itself: made once of a file, and walked for each of its hosts."""

    ones: tuple[_One, ...]
    edits: Edits
    lines: frozenset[int]


@dataclass(slots=True)
class Budget:
    """How many alternatives may be looked at, of a whole file, and how many literals of them."""

    left: int = 40_000
    literals: int = 400_000

    def spend(self, literals: int = 0) -> None:
        self.left -= 1
        self.literals -= literals
        if self.left < 0 or self.literals < 0:
            raise Unreadable("Its rules have too many combinations; import it in parts.")


@dataclass(frozen=True, slots=True)
class _Way:
    """Requests that came as far as `at`. `to`: where those go whom nothing takes before the end; without it they get
    `stop`, and without that they are not taken by whom `all` of the host's came this way."""

    ones: tuple[_One, ...]
    at: int
    facts: Facts
    edits: Edits
    lines: frozenset[int]
    to: str | Redirect | Respond = ""
    stop: tuple[Facts, Edits, frozenset[int]] | None = None
    all: bool = False


class Walk:
    """`found` fills with every `run`. `without`: lines that are left out."""

    def __init__(self, pools: Mapping[str, Flat], budget: Budget, whose: str, without: Container[int] = ()) -> None:
        self.pools, self.budget, self.whose, self.without = pools, budget, whose, without
        self.found: list[Led] = []

    def run(self, rules: Flat, facts: Facts) -> bool:
        """Whether every request was taken. Raise `Stuck`. However deep the rules split, nothing here calls itself."""
        total = True
        waiting = [_Way(rules.ones, 0, facts, rules.edits, rules.lines, all=True)]
        while waiting:
            way = waiting.pop()
            split = self._split(way)
            if split is not None:
                waiting += reversed(split)
            elif way.to:
                self._emit(way.facts, way.to, way.edits, way.lines)
            elif way.stop is not None:
                stopped, edits, lines = way.stop
                self._emit(stopped, STOP, edits, lines)  # and not what the rules say that were left out
            else:
                total = total and not way.all
        return total

    def _split(self, way: _Way) -> list[_Way] | None:
        """The ways that come of the first rule that takes any of these requests, in their order. None: there is no
        such rule."""
        for at in range(way.at, len(way.ones)):
            one = way.ones[at]
            self.budget.spend(len(one.conj))
            found = self._narrowed(way, one)
            if found is None:
                continue
            inside, without = found
            used = way.lines | {one.step.line} | one.step.when.lines
            ways = []
            for paths in without:
                left = self._cut(inside, paths, one)
                if left is not None:
                    stop = (left, way.edits, used)
                    ways.append(replace(way, at=at + 1, facts=left, lines=used, stop=stop, all=False))
            every = inside == way.facts
            ways.append(self._done(one, way if every else replace(way, stop=None, all=False), inside, used))
            return ways if every else [*ways, replace(way, at=at + 1)]
        return None

    def _narrowed(self, way: _Way, one: _One) -> tuple[Facts, list[Paths]] | None:
        if one.step.line in self.without:
            return None
        if way.edits.rewrite and any(isinstance(atom, Path) for atom, _ in one.conj):
            raise Stuck(one.step.line, "It asks for a path that a rule before it has rewritten.")
        try:
            return narrowed(way.facts, one.conj)
        except Inexpressible as error:
            raise Stuck(one.step.line, str(error)) from error

    def _cut(self, facts: Facts, paths: Paths, one: _One) -> Facts | None:
        try:
            return facts.cut(paths)
        except Inexpressible as error:
            raise Stuck(one.step.line, str(error)) from error

    def _done(self, one: _One, way: _Way, facts: Facts, used: frozenset[int]) -> _Way:
        """Where the requests go on of whom the rule holds."""
        match one.step.do:
            case Send(led):
                rules = self.pools[led]
                return _Way(rules.ones, 0, facts, self._plus(way.edits, rules.edits, one), used | rules.lines, led)
            case Change(more):
                edits = self._plus(way.edits, more, one)
                return replace(way, at=one.after, facts=facts, edits=edits, lines=used)
            case Skip(to):
                return replace(way, at=to, facts=facts, lines=used, stop=(facts, way.edits, used), all=False)
            case Redirect() | Respond() as answer:
                return _Way((), 0, facts, way.edits, used, answer)

    def _plus(self, edits: Edits, more: Edits, one: _One) -> Edits:
        try:
            return edits.plus(more)
        except Inexpressible as error:
            raise Stuck(one.step.line, str(error)) from error

    def _emit(self, facts: Facts, to: str | Redirect | Respond, edits: Edits, lines: frozenset[int]) -> None:
        if len(self.found) >= MOST:
            raise Stuck(max(lines), f"Written out, the rules would be more than {MOST} routes; import them in parts.")
        if not isinstance(to, str):
            edits = Edits(after=edits.after)
        self.found.append(Led(facts, to, edits, lines, self.whose))


def flat(rules: Rules) -> Flat:
    """`Skip.to` counts steps, and then alternatives."""
    steps = rules.steps
    starts, count = [], 0
    for step in steps:
        starts.append(count)
        count += len(step.when.conjs)
    starts.append(count)
    found = []
    for number, step in enumerate(steps):
        do = Skip(starts[step.do.to]) if isinstance(step.do, Skip) else step.do
        told = replace(step, do=do)
        found += [_One(told, conj, starts[number + 1]) for conj in step.when.conjs]
    return Flat(tuple(found), rules.edits, rules.lines)
