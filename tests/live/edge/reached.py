"""Origins that are reached in other ways: over TLS, with a PROXY header, in clear HTTP/2."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

from tests.live.core_h2 import ACK, DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, frame

Talk = Callable[["Reached", socket.socket], None]
V2 = b"\r\n\r\n\x00\r\nQUIT\n"


@dataclass
class Reached:
    """What was seen of those who came: PROXY headers, names asked for by SNI, protocols, and who proved to be whom."""

    talk: Talk
    context: ssl.SSLContext | None = None
    port: int = 0
    proxied: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    protocols: list[str | None] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    requests: int = 0

    def serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError, IndexError), closing(connection):
            connection.settimeout(10)
            if self.context is None:
                self.talk(self, connection)
                return
            with self.context.wrap_socket(connection, server_side=True) as tls:
                self.protocols.append(tls.selected_alpn_protocol())
                self.subjects.append(str(tls.getpeercert()))
                self.talk(self, tls)


def http1(origin: Reached, connection: socket.socket) -> None:
    with connection.makefile("rwb") as stream:
        while line := stream.readline():
            while stream.readline().strip():
                pass
            origin.requests += b"/health" not in line
            stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            stream.flush()


def proxied(origin: Reached, connection: socket.socket) -> None:
    """One of both versions first, as the client's address."""
    head = connection.recv(12, socket.MSG_WAITALL)
    if head == V2:
        _, family, high, low = connection.recv(4, socket.MSG_WAITALL)
        rest = connection.recv(high << 8 | low, socket.MSG_WAITALL)
        origin.proxied.append(f"v2 {socket.inet_ntoa(rest[:4])}" if family >> 4 == 1 else "v2 local")
    else:
        while not head.endswith(b"\n"):
            head += connection.recv(1)
        origin.proxied.append("v1 " + " ".join(head.decode().split()[2:3]))
    http1(origin, connection)


def h2(origin: Reached, connection: socket.socket) -> None:
    """Every request gets 200 and `h2`; no header of it is read."""
    with connection.makefile("rb") as stream:
        if stream.read(len(PREFACE)) != PREFACE:
            return
        connection.sendall(frame(SETTINGS, 0, 0, b""))
        while len(head := stream.read(9)) == 9:
            stream.read(int.from_bytes(head[:3], "big"))
            kind, flags, number = head[3], head[4], int.from_bytes(head[5:], "big")
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0, b""))
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                origin.requests += 1
                answer = frame(HEADERS, END_HEADERS, number, b"\x88") + frame(DATA, END_STREAM, number, b"h2")
                connection.sendall(answer)


@contextmanager
def reached(talk: Talk = http1, context: ssl.SSLContext | None = None) -> Iterator[Reached]:
    origin = Reached(talk, context)
    if context is not None:
        context.sni_callback = lambda _tls, name, _context: origin.names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))
    origin.port = listener.getsockname()[1]

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=origin.serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield origin
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
