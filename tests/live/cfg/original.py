"""The HAProxy that a file was written for."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.live.edge.nodes import eventually
from tests.programs import HAPROXY


@contextlib.contextmanager
def original(folder: Path, text: str, ports: tuple[int, ...]) -> Iterator[None]:
    (folder / "haproxy.cfg").write_text(text)
    with subprocess.Popen([HAPROXY, "-db", "-f", "haproxy.cfg"], cwd=folder, stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: all(open_(port) for port in ports))
            yield
        finally:
            process.terminate()
            process.wait(10)


def open_(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
