"""Reads HAProxy's access log from its socket, and hands on about a batch a second.

HAProxy never waits: a datagram that finds nobody, or no room, is dropped by it. Nor does this thread grow with the
traffic: HAProxy bounds each tenant's lines, and beyond `READ_MOST` a second nothing is read until the next one.
"""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from balancer.edge.lines import Body, Lines
from balancer.haproxy.access_log import LINE_MAX

INTERVAL_S = 1.0
READ_MOST = 5000
BUFFER_BYTES = 4 * 1024 * 1024

log = structlog.get_logger(__name__)


class Listener(threading.Thread):
    """`send` gets a body and may raise OSError: that batch is lost, and the next one is not."""

    def __init__(self, path: Path, node_id: str, *, send: Callable[[Body], None]) -> None:
        super().__init__(name="access log", daemon=True)
        self._path = path
        self._lines = Lines(node_id)
        self._send = send
        self._ended = threading.Event()

    def stop(self) -> None:
        """Returns once it has ended."""
        self._ended.set()
        if self.is_alive():
            self.join(5)

    def run(self) -> None:
        try:
            heard = bound(self._path)
        except OSError as error:
            log.warning("the access log cannot be read", error=str(error))
            return
        with heard:
            while not self._ended.is_set():
                self._turn(heard)
        with suppress(FileNotFoundError):
            self._path.unlink()

    def _turn(self, heard: socket.socket) -> None:
        """A second: read, then send."""
        until = time.monotonic() + INTERVAL_S
        read = 0
        while read < READ_MOST and (left := until - time.monotonic()) > 0 and not self._ended.is_set():
            heard.settimeout(min(left, 0.2))
            with suppress(TimeoutError):
                self._lines.take(heard.recv(LINE_MAX + 1))
                read += 1
        self._ended.wait(max(0.0, until - time.monotonic()))
        body = self._lines.batch(now=time.time())
        if body is None:
            return
        try:
            self._send(body)
        except OSError as error:
            log.warning("lines were not sent", error=str(error), lines=sum(map(len, body["lines"].values())))


def bound(path: Path) -> socket.socket:
    """A datagram socket there, in the place of what a worker before left, for this user alone. Raises OSError."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        path.unlink(missing_ok=True)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        made.bind(str(path))
        path.chmod(0o600)
    except OSError:
        made.close()
        raise
    return made
