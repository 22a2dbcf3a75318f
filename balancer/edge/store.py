"""The node's memory: a file per tenant and `node.json`, read once and kept in the process.

A tenant's file carries its own generation, so that a change costs one durable write; the node's generation is the
newest of them, or `node.json`'s where a message carried nothing for this node. Files are written oldest first:
whatever the moment of a crash, nothing older than the node's generation is missing.
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
from balancer.haproxy.codec import BadState


class NodeBusy(EdgeError):
    """Another process works on this node."""


class Store:
    """One node's folder. `unsure` names the tenants of which it is not known what HAProxy has: all, at first."""

    def __init__(self, folder: Path) -> None:
        self.folder = files.folder(folder)
        self._fragments = files.folder(folder / "fragments")
        files.folder(folder / "run")
        files.folder(folder / "log")
        files.folder(folder / "config")
        self._node = folder / "node.json"
        self._seen: tuple[int, int] | None = None
        self.reads = 0  # how often the folder was read anew
        self._written_generation = 0
        self.kept: dict[str, Kept] = {}
        self.unsure: set[str] = set()
        self.unreadable: list[str] = []
        self.generation = 0
        self.changes = 0  # odd while somebody is at work: what a reader of HAProxy sees then is no drift

    @contextmanager
    def locked(self, *, patience: float = 30.0) -> Iterator[None]:
        """Be alone on this node, boot included, and know what others wrote. Raises NodeBusy."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, files.FILE_MODE)
        try:
            _lock(descriptor, patience)
            self.changes += 1
            self._read_if_changed()
            yield
        finally:
            os.close(descriptor)
            self.changes += self.changes % 2

    def put(self, kept: Kept, *, durable: bool = True) -> None:
        """Remember; `durable=False` where a lost write is found out by looking."""
        text = json.dumps(kept.to_json(), separators=(",", ":"))
        files.write(self._fragments / f"{kept.tenant}.json", text, durable=durable)
        self.kept[kept.tenant] = kept
        self.generation = max(self.generation, kept.generation)

    def drop(self, tenant: str) -> None:
        """Forget a tenant that left; its generation stays the node's."""
        self._write_node()
        (self._fragments / f"{tenant}.json").unlink(missing_ok=True)
        self.kept.pop(tenant, None)
        self.unsure.discard(tenant)

    def reached(self, generation: int) -> None:
        """Everything up to this generation was taken."""
        self.generation = max(self.generation, generation)
        if self.generation > max((one.generation for one in self.kept.values()), default=0):
            self._write_node()

    def restarted(self) -> None:
        """Tell other processes that what they remember is old (boot does, after it changed what is loaded)."""
        self._write_node(force=True)

    def _write_node(self, *, force: bool = False) -> None:
        if force or self.generation != self._written_generation:
            files.write(self._node, json.dumps({"generation": self.generation}), durable=True)
            self._written_generation = self.generation
            self._seen = self._stamp()

    def _read_if_changed(self) -> None:
        if self._seen is None or self._stamp() != self._seen:
            self._read()

    def _read(self) -> None:
        self.reads += 1
        self.unreadable = []
        self._seen = self._stamp()
        self._written_generation = self.generation = _generation(self._node)
        self.kept = {kept.tenant: kept for kept in self._read_fragments()}
        self.unsure = set(self.kept)
        self.generation = max([self.generation, *(kept.generation for kept in self.kept.values())])

    def _read_fragments(self) -> Iterator[Kept]:
        for path in sorted(self._fragments.glob("[!.]*.json")):
            try:
                yield Kept.from_json(path.stem, json.loads(path.read_text()))
            except (BadState, KeyError, TypeError, ValueError):
                # Left where it is for a person to look at; the console is asked for this tenant again.
                self.unreadable.append(path.stem)

    def _stamp(self) -> tuple[int, int]:
        try:
            status = self._node.stat()
        except FileNotFoundError:
            return (0, 0)
        return (status.st_ino, status.st_mtime_ns)


def _generation(path: Path) -> int:
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
