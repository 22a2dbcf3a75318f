"""One `up` per folder: a lock that the supervisor inherits, so that it is held exactly as long as something runs."""

import fcntl
import os
import time
from pathlib import Path

from veloflux_site.local.folder import Folder


def path(folder: Folder) -> Path:
    return folder.run / "lock"


def take(folder: Folder) -> int | None:
    """The locked file's descriptor; None where somebody else holds it. It is ours until every copy is closed."""
    descriptor = os.open(path(folder), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def wait_until_free(folder: Folder, *, seconds: float) -> bool:
    """Whether the lock came free within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        descriptor = take(folder)
        if descriptor is not None:
            os.close(descriptor)
            return True
        time.sleep(0.1)
    return False
