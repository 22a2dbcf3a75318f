"""Lines of `show stat`, most of which say what they said a moment ago: those are not split again."""

import csv
from collections.abc import Callable, Sequence
from operator import and_, itemgetter
from typing import Any, Generic, TypeVar

# What moves by itself lies between these two columns, beside counters that never move alone: ages, and how long the
# last check took. A check's code may be another while all else is the same: a share of the lines is read all the same.
AGES_FROM, AGES_TO = "lastchg", "lastsess"
ANYHOW = 16  # one of so many lines

T = TypeVar("T")


class StatLines(Generic[T]):
    """Those of one kind. `moved` are the keys of values that are new, other or gone since it was taken last."""

    def __init__(self, names: Sequence[str], key: Callable[[str, str], str], read: Callable[..., T]) -> None:
        """`names` are the columns that `read` takes, in order. `key` makes a name of proxy and server, "" for a line
        that is of no interest."""
        self._names, self._key, self._read = names, key, read
        self.forget()

    def forget(self) -> None:
        """Read all of it anew, as after a reload: the counters are another process's."""
        self.values: dict[str, T] = {}
        self.moved: set[str] = set()
        self._header = ""
        self._heads: list[str] = []
        self._tails: list[str] = []
        self._keys: list[str] = []
        self._turn = 0

    def take(self, text: str) -> None:
        """An answer about all of them."""
        header, lines = _lines(text)
        if header != self._header or len(lines) != len(self._keys):
            self._anew(header, lines)
            return
        self._turn = (self._turn + 1) % ANYHOW
        same = map(and_, map(str.startswith, lines, self._heads), map(str.endswith, lines, self._tails))
        other = {at for at, is_same in enumerate(same) if not is_same}
        other.update(range(self._turn, len(lines), ANYHOW))
        for at in other:
            if not self._again(at, lines[at]):
                self._anew(header, lines)
                return

    def take_some(self, texts: Sequence[str], before: Callable[[str], Sequence[str]]) -> None:
        """Answers about a few proxies each; `before`: proxy → the keys that it had."""
        for text in texts:
            header, lines = _lines(text)
            if header != self._header or not lines:
                continue
            found = dict(self._one(line)[:2] for line in lines)
            for key in before(lines[0].partition(",")[0]):
                if key not in found:
                    del self.values[key]
                    self.moved.add(key)
                    self._header = ""  # one of its name may come back and say the same
            for key, value in found.items():
                if key and value is not None:
                    self._keep(key, value)

    def _anew(self, header: str, lines: Sequence[str]) -> None:
        self._header = header
        columns = {name: at for at, name in enumerate(header.split(","))}
        # A column that this version does not have is read from the end, where an empty one is put.
        self._pick = itemgetter(*(columns.get(name, -1) for name in self._names))
        self._head, self._tail = columns[AGES_FROM], columns[AGES_TO] + 1
        old, self.values = self.values, {}
        self._keys, self._heads, self._tails = [], [], []
        for line in lines:
            key, value, head, tail = self._one(line)
            self._keys.append(key)
            self._heads.append(head)
            self._tails.append(tail)
            if value is not None:
                self.values[key] = value
                if old.get(key) != value:
                    self.moved.add(key)
        self.moved |= old.keys() - self.values.keys()

    def _again(self, at: int, line: str) -> bool:
        """False where another one stands in its place."""
        key, value, self._heads[at], self._tails[at] = self._one(line)
        if key != self._keys[at]:
            return False
        if value is not None:
            self._keep(key, value)
        return True

    def _keep(self, key: str, value: T) -> None:
        if self.values.get(key) != value:
            self.values[key] = value
            self.moved.add(key)

    def take_moved(self) -> set[str]:
        moved, self.moved = self.moved, set()
        return moved

    def _one(self, line: str) -> tuple[str, T | None, str, str]:
        values = line.split(",", self._tail)
        tail = values.pop()
        head = ",".join(values[: self._head])
        key = self._key(values[0], values[1])
        if not key:
            return "", None, f"{head},", f",{tail}"
        # Quotes are rare, and the csv module costs thrice as much as splitting.
        values += next(csv.reader([tail])) if '"' in tail else tail.split(",")
        values.append("")
        return key, self._read(*self._pick(values)), f"{head},", f",{tail}"


def _lines(text: str) -> tuple[str, list[str]]:
    header, *lines = text.lstrip("# ").splitlines() or [""]
    return header, [line for line in lines if line]


def rows(text: str, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """These columns of every line, for what there are few of."""
    header, lines = _lines(text)
    columns = {name: at for at, name in enumerate(header.split(","))}
    pick = itemgetter(*(columns.get(name, -1) for name in names))
    return [pick([*one, ""]) for one in csv.reader(lines) if len(one) > 1]
