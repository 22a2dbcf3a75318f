"""Ask a pattern of `regex` without HAProxy, for the same answer: all states at once, so that no pattern is slow."""

from functools import lru_cache

from .regex import SUBJECT_MAX, parse
from .regex_nodes import Chars, Edge, Either, Node, Repeat, Sequence

Step = tuple[str, int, tuple[int, ...]]  # "set" and its bytes, "go" and where to, "start", "end" or "match"


@lru_cache(maxsize=1024)
def _program(text: str) -> tuple[Step, ...]:
    steps: list[Step] = []

    def emit(kind: str, mask: int = 0, to: tuple[int, ...] = ()) -> int:
        steps.append((kind, mask, to))
        return len(steps) - 1

    def write(node: Node) -> None:
        match node:
            case Chars(mask):
                emit("set", mask)
            case Edge(end):
                emit("end" if end else "start")
            case Sequence(items):
                for item in items:
                    write(item)
            case Either(options):
                fork = emit("go")
                begins, ends = [], []
                for option in options:
                    begins.append(len(steps))
                    write(option)
                    ends.append(emit("go"))
                steps[fork] = ("go", 0, tuple(begins))
                for last in ends:
                    steps[last] = ("go", 0, (len(steps),))
            case Repeat(item, low, high):
                for _ in range(low):
                    write(item)
                if high is None:
                    fork = emit("go")
                    write(item)
                    emit("go", to=(fork,))
                    steps[fork] = ("go", 0, (fork + 1, len(steps)))
                forks = []
                for _ in range((high or low) - low):
                    forks.append(emit("go"))
                    write(item)
                for fork in forks:
                    steps[fork] = ("go", 0, (fork + 1, len(steps)))

    write(parse(text).node)
    emit("match")
    return tuple(steps)


def matches(text: str, value: bytes) -> bool:
    """As HAProxy's `-m reg` on the first `SUBJECT_MAX` bytes: anywhere in it, unless anchored."""
    steps, subject = _program(text), value[:SUBJECT_MAX]
    alive: set[int] = set()
    for at in range(len(subject) + 1):
        alive, found = _close(steps, alive | {0}, at, len(subject))
        if found:
            return True
        if at < len(subject):
            alive = {one + 1 for one in alive if steps[one][1] >> subject[at] & 1}
    return False


def _close(steps: tuple[Step, ...], begin: set[int], at: int, length: int) -> tuple[set[int], bool]:
    """The states that wait for a byte, and whether one is at the end."""
    waiting: set[int] = set()
    seen: set[int] = set()
    stack = list(begin)
    while stack:
        one = stack.pop()
        if one in seen:
            continue
        seen.add(one)
        kind, _, to = steps[one]
        if kind == "match":
            return waiting, True
        if kind == "set":
            waiting.add(one)
        elif kind == "go":
            stack.extend(to)
        elif (kind == "start" and at == 0) or (kind == "end" and at == length):
            stack.append(one + 1)
    return waiting, False
