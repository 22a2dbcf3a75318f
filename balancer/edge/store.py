"""The node's memory, kept in the process and read from its folder once.

A decision is safe when it is in the journal; the tenants' own files and `node.json` follow, and hold all of it when
the journal is cleared. The node's generation is the newest of what it took: a message's fragments are taken oldest
first, so that whatever the moment of a crash, nothing older is missing.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from balancer.edge import files
from balancer.edge.errors import EdgeError
from balancer.edge.fragments import Kept
from balancer.edge.journal import Entry, Journal, line
from balancer.haproxy.codec import BadState

JOURNAL_BYTES = 8_000_000


class NodeBusy(EdgeError):
    """Another process works on this node."""


class Store:
    """One node's folder. `unsure` names the tenants of which it is not known what HAProxy has: all, at first."""

    def __init__(self, folder: Path) -> None:
        self.folder = files.folder(folder)
        for name in ("fragments", "run", "log", "config"):
            files.folder(folder / name)
        self._fragments = folder / "fragments"
        self._node = folder / "node.json"
        self._journal = Journal(folder / "journal")
        self._seen: tuple[int, int] | None = None
        self.reads = 0  # how often the folder was read anew
        self.kept: dict[str, Kept] = {}  # changed here alone
        self.waiting: set[str] = set()  # those of them that wait for a reload
        self.unsure: set[str] = set()
        self.unreadable: set[str] = set()
        self._generation = 0
        self.changes = 0  # odd while somebody is at work: what a reader of HAProxy sees then is no drift

    @contextmanager
    def locked(self, *, patience: float = 30.0) -> Iterator[None]:
        """Be alone on this node, boot included, and know what others wrote. Raises NodeBusy."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, files.FILE_MODE)
        try:
            _lock(descriptor, patience)
            self.changes += 1
            if self._seen is None or self._stamp() != self._seen:
                self._read()
            yield
        finally:
            os.close(descriptor)
            self.changes += self.changes % 2

    @property
    def generation(self) -> int:
        """0 while something cannot be read: the console then sends everything."""
        return 0 if self.unreadable else self._generation

    def forget(self) -> None:
        """What is on the disk counts, whatever was meant to be there: it is read anew by who works next, as after a
        crash."""
        self._seen = None

    def put(self, *many: Kept) -> None:
        """Remember these. Raises Unwritable: then it is the disk that knows which of them (`forget`)."""
        if not many:
            return
        ordered = sorted(many, key=lambda kept: kept.generation)
        entries = [line(kept.to_json()) for kept in ordered]
        self._journal.append(entries)
        for kept, entry in zip(ordered, entries, strict=True):
            files.write(self._file(kept.tenant), entry)
            self._remember(kept)
        self._tidy()

    def drop(self, tenant: str) -> None:
        """Forget a tenant that left; its generation stays the node's."""
        self._journal.append([line({"tenant": tenant, "left": True}), line({"generation": self._generation})])
        self._file(tenant).unlink(missing_ok=True)
        self._leave(tenant)
        self.unsure.discard(tenant)

    def reached(self, generation: int, *, since: int) -> None:
        """Everything after `since` up to this generation was taken; what a whole message did not name is no more."""
        if not since:
            for tenant in self.unreadable:
                self._file(tenant).unlink(missing_ok=True)
            self.unreadable.clear()
        if generation > self._generation:
            self._journal.append([line({"generation": generation})])
            self._generation = generation

    def restarted(self) -> None:
        """Make what is remembered durable without the journal, and have other processes read it (boot does)."""
        os.sync()
        files.write(self._node, json.dumps({"generation": self._generation}), durable=True)
        self._journal.clear()
        self._seen = self._stamp()

    def _tidy(self) -> None:
        if self._journal.size > JOURNAL_BYTES:
            self.restarted()

    def _file(self, tenant: str) -> Path:
        return self._fragments / f"{tenant}.json"

    def _remember(self, kept: Kept) -> None:
        self.kept[kept.tenant] = kept
        (self.waiting.add if kept.waiting else self.waiting.discard)(kept.tenant)
        self.unreadable.discard(kept.tenant)
        self._generation = max(self._generation, kept.generation)

    def _leave(self, tenant: str) -> None:
        self.kept.pop(tenant, None)
        self.waiting.discard(tenant)

    def _read(self) -> None:
        self.reads += 1
        seen = self._stamp()
        self.kept, self.unreadable, self.waiting = {}, set(), set()
        self._generation = _read_generation(self._node)
        for path in sorted(self._fragments.glob("[!.]*.json")):
            self._read_entry(path.stem, path.read_text(errors="replace"))
        for entry in _last_words(self._journal.entries()):
            self._replay(entry)
        self.unsure = set(self.kept)
        self._seen = seen

    def _replay(self, entry: Entry) -> None:
        """The journal's word counts, and the files are made to agree: a crash may have come between the two."""
        tenant = entry.get("tenant")
        if tenant is None:
            self._generation = max(self._generation, int(entry.get("generation", 0)))
        elif entry.get("left"):
            self._leave(str(tenant))
            self.unreadable.discard(str(tenant))
            self._file(str(tenant)).unlink(missing_ok=True)
        else:
            text = line(entry)
            if _text_of(self._file(str(tenant))) != text:
                files.write(self._file(str(tenant)), text)
            self._read_entry(str(tenant), text)

    def _read_entry(self, tenant: str, text: str) -> None:
        try:
            self._remember(Kept.from_json(json.loads(text)))
        except (BadState, KeyError, TypeError, ValueError):
            # Left where it is for a person to look at; the console is asked for everything again.
            self.unreadable.add(tenant)

    def _stamp(self) -> tuple[int, int]:
        try:
            status = self._node.stat()
        except FileNotFoundError:
            return (0, 0)
        return (status.st_ino, status.st_mtime_ns)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""


def _last_words(entries: Iterator[Entry]) -> list[Entry]:
    """Of each tenant its newest alone (he may have left and come back), and every generation."""
    generations, tenants = [], {}
    for entry in entries:
        if "tenant" in entry:
            tenants[str(entry["tenant"])] = entry
        else:
            generations.append(entry)
    return [*generations, *tenants.values()]


def _read_generation(path: Path) -> int:
    try:
        return int(json.loads(path.read_text())["generation"])
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return 0  # older than true is safe: the console sends again


def _lock(descriptor: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise NodeBusy("Another process has been working on this node for too long.") from None
            time.sleep(0.01)
        else:
            return
