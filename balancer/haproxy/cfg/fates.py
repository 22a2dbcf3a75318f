"""What became of each line: every one has exactly one fate, and a sentence."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from .lines import Line


class Fate(StrEnum):
    """`managed`: it became an object, or part of one. `note`: it needs nothing here, or nothing can be made of it and
    nothing is lost by that; its text is kept. `refused`: it did something that the import does not do."""

    MANAGED = "managed"
    NOTE = "note"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Told:
    """`objects` are names such as `pool web` and `route a.test/`."""

    line: int
    text: str
    fate: Fate
    sentence: str
    objects: tuple[str, ...] = ()


@dataclass(slots=True)
class Ledger:
    """What is known of each line so far. What is refused stays refused; what is managed is no note any more."""

    fates: dict[int, Fate] = field(default_factory=dict)
    sentences: dict[int, str] = field(default_factory=dict)
    objects: dict[int, dict[str, None]] = field(default_factory=dict)

    def managed(self, line: int, name: str, sentence: str = "") -> None:
        self.objects.setdefault(line, {})[name] = None
        if self.fates.get(line) in (None, Fate.NOTE):
            self.fates[line] = Fate.MANAGED
            self.sentences[line] = sentence
        elif sentence and not self.sentences.get(line):
            self.sentences[line] = sentence

    def note(self, line: int, sentence: str) -> None:
        if line not in self.fates:
            self.fates[line] = Fate.NOTE
            self.sentences[line] = sentence

    def refused(self, line: int, sentence: str) -> None:
        if self.fates.get(line) is not Fate.REFUSED:
            self.fates[line] = Fate.REFUSED
            self.sentences[line] = sentence

    def told(self, lines: Iterable[Line], usual: str) -> list[Told]:
        """One for each; `usual` is the refusal of those that nobody said anything of."""
        return [
            Told(
                line.number,
                line.text,
                self.fates.get(line.number, Fate.REFUSED),
                self.sentences.get(line.number, usual if line.number not in self.fates else ""),
                tuple(self.objects.get(line.number, ())),
            )
            for line in lines
        ]
