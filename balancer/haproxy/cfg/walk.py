"""The rules of a frontend, in HAProxy's order, walked for one host: what routes say the same, the first one first.

A rule that holds for some requests only splits the others off; one that leaves a path out (`!path_beg /x`) is said by
what those requests get instead, in routes before it. So the order of the routes is all that is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .atoms import Path
from .conditions import Conj, When
from .facts import Facts, narrowed
from .said import Inexpressible
from .sections import Unreadable

MOST = 300  # routes of one file


class Stuck(Exception):
    """A line that cannot be said together with those before it."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


@dataclass(frozen=True, slots=True)
class Edits:
    """What is done on the way: header edits as a route has them, `after` on our own answers too."""

    request: tuple[dict[str, str], ...] = ()
    response: tuple[dict[str, str], ...] = ()
    after: tuple[dict[str, str], ...] = ()
    rewrite: tuple[tuple[str, str], ...] = ()
    compression: bool = False

    def plus(self, other: "Edits") -> "Edits":
        if dict(self.rewrite).keys() & dict(other.rewrite).keys():
            raise Inexpressible("A route rewrites its path once.")
        return Edits(
            (*self.request, *other.request), (*self.response, *other.response), (*self.after, *other.after),
            (*self.rewrite, *other.rewrite), self.compression or other.compression,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Send:
    """To a pool by the name that it has in the file."""

    pool: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """`how` is location, prefix or scheme."""

    how: str
    to: str
    code: int


@dataclass(frozen=True, slots=True)
class Respond:
    status: int
    content_type: str = "text/plain"
    body: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    edits: Edits


@dataclass(frozen=True, slots=True)
class Skip:
    """`http-request allow`: the rest of these rules is left out."""

    to: int


Do = Send | Redirect | Respond | Change | Skip
STOP = Respond(503, "text/plain", "No rule takes this request.\n")


@dataclass(frozen=True, slots=True)
class Step:
    line: int
    when: When
    do: Do


@dataclass(frozen=True, slots=True)
class Rules:
    """Of one backend: what it does itself before its pool gets the request."""

    steps: tuple[Step, ...] = ()
    edits: Edits = field(default_factory=Edits)
    lines: frozenset[int] = frozenset()  # of what is done without a condition


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


@dataclass(slots=True)
class Budget:
    """How many alternatives may be looked at, of a whole file."""

    left: int = 40_000

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Unreadable("Its rules have too many combinations; import it in parts.")


class Walk:
    """`found` fills with every `run`."""

    def __init__(self, rules: Mapping[str, Rules], budget: Budget, whose: str) -> None:
        self.budget, self.whose = budget, whose
        self.rules = {name: (_flat(one.steps), one) for name, one in rules.items()}
        self.found: list[Led] = []

    def run(self, steps: tuple[Step, ...], facts: Facts, edits: Edits, lines: frozenset[int]) -> bool:
        """Whether every request was taken. Raise `Stuck`."""
        return self._from(_flat(steps), 0, facts, edits, lines, "")

    def _from(
        self, ones: tuple[_One, ...], at: int, facts: Facts, edits: Edits, lines: frozenset[int], pool: str
    ) -> bool:
        """`pool`: where what is left goes, of a backend's own rules."""
        while at < len(ones):
            one = ones[at]
            at += 1
            self.budget.spend()
            if edits.rewrite and any(isinstance(atom, Path) for atom, _ in one.conj):
                raise Stuck(one.step.line, "It asks for a path that a rule before it has rewritten.")
            try:
                found = narrowed(facts, one.conj)
            except Inexpressible as error:
                raise Stuck(one.step.line, str(error)) from error
            if found is None:
                continue
            inside, without = found
            used = lines | {one.step.line} | one.step.when.lines
            for paths in without:
                left = self._cut(inside, paths, one)
                if left is not None and not self._from(ones, at, left, edits, used, pool):
                    self._emit(left, STOP, edits, used)
            done = self._do(one, ones, inside, edits, used, pool)
            if done and inside == facts:
                return True
        if pool:
            self._emit(facts, pool, edits, lines)
        return bool(pool)

    def _cut(self, facts: Facts, paths: object, one: _One) -> Facts | None:
        try:
            return facts.cut(paths)  # type: ignore[arg-type]
        except Inexpressible as error:
            raise Stuck(one.step.line, str(error)) from error

    def _do(
        self, one: _One, ones: tuple[_One, ...], facts: Facts, edits: Edits, used: frozenset[int], pool: str
    ) -> bool:
        match one.step.do:
            case Send(led):
                steps, rules = self.rules[led]
                try:
                    edits = edits.plus(rules.edits)
                except Inexpressible as error:
                    raise Stuck(one.step.line, str(error)) from error
                return self._from(steps, 0, facts, edits, used | rules.lines, led)
            case Change(more):
                try:
                    changed = edits.plus(more)
                except Inexpressible as error:
                    raise Stuck(one.step.line, str(error)) from error
                return self._from(ones, one.after, facts, changed, used, pool)
            case Skip(to):
                if not self._from(ones, to, facts, edits, used, pool):
                    self._emit(facts, STOP, edits, used)  # and not what the rules say that were left out
            case Redirect() | Respond() as answer:
                self._emit(facts, answer, edits, used)
        return True

    def _emit(self, facts: Facts, to: str | Redirect | Respond, edits: Edits, lines: frozenset[int]) -> None:
        if len(self.found) >= MOST:
            raise Stuck(max(lines), f"Written out, the rules would be more than {MOST} routes; import them in parts.")
        if not isinstance(to, str):
            edits = Edits(after=edits.after)
        self.found.append(Led(facts, to, edits, lines, self.whose))


def _flat(steps: tuple[Step, ...]) -> tuple[_One, ...]:
    """Each alternative by itself. `Skip.to` counts steps, and then alternatives."""
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
    return tuple(found)
