"""Writing so that a reader, or a process that starts after a crash, sees the old file or the new one.

What a disk refuses is `Unwritable`: of a file nothing is left then but what it held before.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from balancer.edge.errors import Unwritable

FOLDER_MODE = 0o700
FILE_MODE = 0o600


@contextmanager
def written() -> Iterator[None]:
    """Say in a sentence why the disk did not take it. Raises Unwritable."""
    try:
        yield
    except Unwritable:
        raise
    except OSError as error:
        raise Unwritable(error.errno, error.strerror) from error


@written()
def folder(path: Path) -> Path:
    """Make it, and its parents, for us alone."""
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    return path


@written()
def write(path: Path, text: str, *, durable: bool = False) -> None:
    """Replace `path`. `durable`: at once, and it outlives a power cut.

    Without, the file is absent for an instant: for what whoever starts can write again (`journal`, `boot`). Renaming
    over a file makes ext4 write it out first (1.3 ms where this was measured); taking the old one away does not.
    A hard link to the old content keeps it: the previous tree stays what it was.
    """
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    try:
        write_out(descriptor, text.encode())
        if durable:
            os.fsync(descriptor)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    if not durable:
        path.unlink(missing_ok=True)
    temporary.replace(path)
    if durable:
        sync_folder(path.parent)


def write_out(descriptor: int, data: bytes) -> None:
    """All of it: one call may take a part."""
    while data:
        data = data[os.write(descriptor, data) :]


def sync_folder(path: Path) -> None:
    """Make names that were replaced in it outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@written()
def point(link: Path, target: str) -> None:
    """Make `link` a symlink to `target`, at once."""
    temporary = link.with_name(f".{link.name}.new")
    with suppress(FileNotFoundError):
        temporary.unlink()
    temporary.symlink_to(target)
    temporary.replace(link)
    sync_folder(link.parent)


@written()
def copy_by_links(source: Path, target: Path) -> None:
    """The same tree again, sharing every file: nothing is read or written."""
    folder(target)
    for name, is_folder in _entries(source):
        if is_folder:
            copy_by_links(source / name, target / name)
        else:
            os.link(source / name, target / name)


def _entries(path: Path) -> Iterator[tuple[str, bool]]:
    with os.scandir(path) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                yield entry.name, entry.is_dir(follow_symlinks=False)
