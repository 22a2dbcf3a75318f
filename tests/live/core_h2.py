"""The smallest HTTP/2 client (RFC 9113): it sends whatever fields it is given, as no proper client would."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1
STATUSES = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}  # RFC 7541, appendix A

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` 0: the stream or the connection was ended instead."""

    status: int = 0
    body: str = ""


def unverified(*protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    return context


def ask(port: int, fields: Fields, body: bytes = b"", *, sni: str = "a.test", open_for: float = 5.0) -> Answer:
    """One request on a connection of its own; latin-1, so that any byte can be sent. A stream that stays open, as a
    tunnel does, is left once its status has come and nothing more for `open_for` seconds."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=open_for) as plain,
        unverified("h2").wrap_socket(plain, server_hostname=sni) as tls,
    ):
        assert tls.selected_alpn_protocol() == "h2"
        tls.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
        tls.sendall(frame(HEADERS, END_HEADERS | (0 if body else END_STREAM), 1, b"".join(map(_field, fields))))
        if body:
            tls.sendall(frame(DATA, END_STREAM, 1, body))
        return _answer(tls)


def get(port: int, host: str, path: str = "/", *, sni: str = "a.test", more: Fields = ()) -> Answer:
    return ask(port, [*pseudo(host, path), *more], sni=sni)


def pseudo(host: str, path: str = "/", method: str = "GET") -> list[tuple[str, str]]:
    return [(":method", method), (":scheme", "https"), (":path", path), (":authority", host)]


def _answer(tls: ssl.SSLSocket) -> Answer:
    status, body = 0, b""
    try:
        for kind, flags, payload in _frames(tls):
            if kind == HEADERS:
                status = _status(payload)
            elif kind == DATA:
                body += payload
            if kind in (RESET, GOAWAY) or (kind in (DATA, HEADERS) and flags & END_STREAM):
                break
    except (TimeoutError, ConnectionError, ssl.SSLError):
        pass
    return Answer(status, body.decode())


def _frames(tls: ssl.SSLSocket) -> Iterator[tuple[int, int, bytes]]:
    with tls.makefile("rb") as stream:
        while len(head := stream.read(9)) == 9:
            payload = stream.read(int.from_bytes(head[:3], "big"))
            kind, flags = head[3], head[4]
            if kind == SETTINGS and not flags & ACK:
                tls.sendall(frame(SETTINGS, ACK, 0, b""))
            yield kind, flags, payload


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _field(field: tuple[str, str]) -> bytes:
    """A literal that no table remembers, without Huffman's code (RFC 7541 6.2.2)."""
    return b"\x00" + b"".join(_length(len(text)) + text.encode("latin-1") for text in field)


def _length(number: int) -> bytes:
    if number < 127:
        return bytes([number])
    rest, encoded = number - 127, bytearray([127])
    while rest >= 128:
        encoded.append(rest % 128 + 128)
        rest //= 128
    return bytes([*encoded, rest])


def _status(block: bytes) -> int:
    """The first field of an answer; HAProxy sends numbers that are in no table as three plain digits."""
    if block[0] in STATUSES:
        return STATUSES[block[0]]
    assert block[1] == 3, block
    return int(block[2:5])
