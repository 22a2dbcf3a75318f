"""The trees on disk: `config/<n>/`, and `config/current` that names the one HAProxy reads."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from balancer.edge import files
from balancer.edge.errors import Unwritable


class Trees:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.current = folder / "current"

    @property
    def number(self) -> int | None:
        """The tree in use; None before the first."""
        return int(self.current.readlink().name) if self.current.is_symlink() else None

    def path(self, number: int) -> Path:
        return self.folder / str(number)

    def stage(self, texts: Mapping[str, str | None], *, base: int | None) -> int:
        """A new tree: the base's files by hard links, and these texts instead. Nobody reads it yet. Raises Unwritable,
        and leaves nothing of it then."""
        number = max(self.numbers(), default=0) + 1
        path = self.path(number)
        try:
            if base is None:
                files.folder(path)
            else:
                files.copy_by_links(self.path(base), path)
            for name, text in texts.items():
                self._write(path / name, text)
        except Unwritable:
            shutil.rmtree(path, ignore_errors=True)
            raise
        return number

    def change(self, texts: Mapping[str, str | None]) -> None:
        """Bring files of the tree in use up to date. Boot renders again, so they need not outlive a power cut."""
        for name, text in texts.items():
            self._write(self.current / name, text)

    def use(self, number: int) -> None:
        files.point(self.current, str(number))

    def clean(self, *keep: int | None) -> None:
        """Delete every tree but the one in use and these."""
        for number in self.numbers():
            if number != self.number and number not in keep:
                shutil.rmtree(self.path(number))

    def numbers(self) -> list[int]:
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())

    @staticmethod
    def _write(path: Path, text: str | None) -> None:
        if text is None:
            path.unlink(missing_ok=True)
        else:
            if not path.parent.is_dir():
                files.folder(path.parent)
            files.write(path, text)
