"""An append-only file of lines: what was decided, safe from a power cut for a tenth of a file's replacement
(0.1 ms against 1.3 ms on the machine that this was measured on)."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from balancer.edge import files

Entry = Mapping[str, Any]


def line(entry: Entry) -> str:
    return json.dumps(entry, separators=(",", ":"))


class Journal:
    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def size(self) -> int:
        """Bytes."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, entries: Iterable[str]) -> None:
        """`entries` are `line`s. Returns once they are on the disk. Raises Unwritable: some may be there."""
        # The newline comes first: it also ends a line that a crash cut short.
        text = "".join(f"\n{entry}" for entry in entries)
        with files.written():
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, files.FILE_MODE)
            try:
                files.write_out(descriptor, text.encode())
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)

    def entries(self) -> Iterator[Entry]:
        """Oldest first. A line that was cut short was never answered for: it is left out."""
        if not self._path.exists():
            return
        for line in self._path.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                yield entry

    def clear(self) -> None:
        """What it says is safe elsewhere."""
        self._path.unlink(missing_ok=True)
