"""httpcore's sockets, with the address chosen and one deadline over all of them."""

import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpcore

from tenants.outbound import guard
from tenants.outbound.guard import Address


class Timed(httpcore.NetworkStream):
    """Every wait is what is left of the deadline: a server that sends a byte a second gains nothing."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock = sock
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._in_time():
            return self._sock.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with self._in_time():
            self._sock.sendall(buffer)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Raise `ssl.SSLError`, which says more than httpcore's own."""
        with self._in_time():
            return Timed(ssl_context.wrap_socket(self._sock, server_hostname=server_hostname), self._until)

    def close(self) -> None:
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return False
        return self._sock if info == "socket" else None

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        self._sock.settimeout(left)
        try:
            yield
        except TimeoutError as error:
            self.close()
            raise httpcore.ReadTimeout from error
        except ssl.SSLError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise httpcore.ReadError from error


class Pinned(httpcore.NetworkBackend):
    """Connects to `addresses`, whatever name it is asked for: the name is for SNI and `Host` only."""

    def __init__(self, addresses: Sequence[Address], *, until: float) -> None:
        self._addresses = addresses
        self._until = until

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return Timed(guard.connect(self._addresses, until=self._until), self._until)
