"""Servers that answer whatever they are told to, on real sockets."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

Talk = Callable[[socket.socket], None]
TLS_HELLO = b"\x16"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@dataclass
class Talker:
    """`heard` is what each connection sent first; a connection that said nothing is there too."""

    address: str
    port: int
    heard: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)  # by SNI


@contextmanager
def talker(
    talk: Talk | bytes = OK, *, address: str = "127.0.0.1", pem: Path | None = None, speaks_first: bool = False
) -> Iterator[Talker]:
    """Reads a request, then talks; or `speaks_first`. TLS with `pem`."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        server.bind((address, 0))
        server.listen()
        it = Talker(address, server.getsockname()[1])
        tls = _tls(pem, it) if pem else None
        thread = threading.Thread(target=_serve, args=(server, it, talk, tls, speaks_first), daemon=True)
        thread.start()
        try:
            yield it
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _tls(pem: Path, it: Talker) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.sni_callback = lambda _, name, __: it.names.append(name)
    return context


def _serve(server: socket.socket, it: Talker, talk: Talk | bytes, tls: ssl.SSLContext | None, first: bool) -> None:
    with suppress(OSError):
        while True:
            one, _ = server.accept()
            threading.Thread(target=_one, args=(one, it, talk, tls, first), daemon=True).start()


def _one(one: socket.socket, it: Talker, talk: Talk | bytes, tls: ssl.SSLContext | None, first: bool) -> None:
    with suppress(OSError), one:
        it.heard.append(b"")
        place = len(it.heard) - 1
        inside = tls.wrap_socket(one, server_side=True) if tls else one
        with inside:
            it.heard[place] = b"" if first else _request(inside)
            if callable(talk):
                talk(inside)
            else:
                inside.sendall(talk)


def _request(one: socket.socket) -> bytes:
    """With its body, as far as it says how long that is."""
    whole = b""
    while b"\r\n\r\n" not in whole and whole[:1] != TLS_HELLO and (part := one.recv(65536)):
        whole += part
    head, _, body = whole.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length[1]) and (part := one.recv(65536)):
        whole, body = whole + part, body + part
    return whole
