"""What the rules of a section do, in its order."""

from dataclasses import dataclass, field

from balancer.haproxy.routing import MANY_HEADERS

from .conditions import When
from .said import Inexpressible


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
        found = Edits(
            (*self.request, *other.request), (*self.response, *other.response), (*self.after, *other.after),
            (*self.rewrite, *other.rewrite), self.compression or other.compression,
        )  # fmt: skip
        if max(len(found.request), len(found.response) + len(found.after)) > MANY_HEADERS:
            raise Inexpressible(f"A route changes {MANY_HEADERS} headers at most of requests, and of answers.")
        return found


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
