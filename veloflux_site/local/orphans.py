"""Processes whose parent ended before them: an interrupted test leaves its servers without anybody to stop them."""

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
GRACE_S = 2.0  # for a worker that is about to stop its servers itself
PATIENCE_S = 10.0


@contextmanager
def ended_at_exit() -> Iterator[None]:
    """Whatever is started inside, and by what is started there, ends with it; where the kernel cannot say so (prctl(2),
    PR_SET_CHILD_SUBREAPER), only what is still our own child."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        _end_all()


def _end_all() -> None:
    """A process that ends hands its own children to us, so it goes on until there are none."""
    began = time.monotonic()
    while (left := _children()) and (spent := time.monotonic() - began) < PATIENCE_S:
        for pid in left:
            if spent > GRACE_S:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)


def _children() -> list[int]:
    """By `/proc/<pid>/stat` (proc(5)): the parent is the second field behind the name, which may hold anything."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if int(path.read_text(errors="replace").rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(path.parent.name))
    return found
