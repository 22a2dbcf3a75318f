"""Hand one mail to one server, step by step: found, connected, under TLS, signed in, accepted.

TLS always, from the first byte or by STARTTLS, with the server's name checked. One deadline over everything: a server
that answers a byte a second gains nothing.
"""

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings

from tenants.outbound import guard, trust
from tenants.outbound.guard import Unreachable, Why

PORTS = frozenset({25, 465, 587, 2525})
SECONDS = 20.0
WORDS_MOST = 200


class Security(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Server:
    """`ours`: the platform's own, which may be anywhere. Without `username` nobody signs in."""

    host: str
    port: int
    security: Security
    username: str = ""
    password: str = ""
    ours: bool = False


class Step(StrEnum):
    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    ACCEPTED = "accepted"


class NotSent(Exception):
    """`sentence` is for who runs the server. `temporary`: it may work later."""

    def __init__(self, step: Step, sentence: str, *, temporary: bool) -> None:
        super().__init__(f"{step}: {sentence}")
        self.step = step
        self.sentence = sentence
        self.temporary = temporary


Told = Callable[[Step, str], None]


def nobody(step: Step, sentence: str) -> None:
    """Is told."""


def send(server: Server, message: EmailMessage, *, told: Told = nobody, seconds: float = SECONDS) -> None:
    """`told` hears of each step that worked. Raise `NotSent`, or ValueError for a header that is more than a line."""
    now = Step.RESOLVE
    until = time.monotonic() + seconds
    try:
        found = guard.resolve(server.host, server.port, ports=PORTS, ours=server.ours)
        told(now, ", ".join(address.ip for address in found))
        now = Step.CONNECT
        with _on_time(_Smtp(guard.connect(found, until=until), server, told), until) as smtp:
            smtp.begin()
            for now in (Step.TLS, Step.AUTH, Step.ACCEPTED):
                smtp.take(now, message)
    except Unreachable as error:
        temporary = error.why in (Why.CONNECT, Why.TIMEOUT) or "has no address" in error.sentence
        raise NotSent(now, error.sentence, temporary=temporary) from error
    except ssl.SSLError as error:
        if time.monotonic() >= until:
            raise NotSent(now, _late(server, seconds), temporary=True) from error
        raise NotSent(Step.TLS, trust.sentence(error, server.host), temporary=False) from error
    except smtplib.SMTPNotSupportedError as error:
        raise NotSent(
            now, _NOT_OFFERED.get(now, "The server does not offer what this needs."), temporary=False
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise NotSent(now, _words(code, words), temporary=400 <= code < 500) from error
    except smtplib.SMTPResponseException as error:
        raise NotSent(now, _words(error.smtp_code, error.smtp_error), temporary=400 <= error.smtp_code < 500) from error
    except (smtplib.SMTPException, OSError) as error:
        late = time.monotonic() >= until
        sentence = _late(server, seconds) if late else f"{server.host} broke off."
        raise NotSent(now, sentence, temporary=True) from error


def _late(server: Server, seconds: float) -> str:
    return f"{server.host} took longer than {seconds:g} s."


_NOT_OFFERED = {
    Step.TLS: "The server does not offer STARTTLS here. Is this the port for TLS?",
    Step.AUTH: "The server does not take a user and password here.",
}


class _Smtp:
    def __init__(self, sock: socket.socket, server: Server, told: Told) -> None:
        self.server, self.told = server, told
        self.smtp = _OnSocket(sock, server.host)

    def begin(self) -> None:
        if self.server.security is Security.STARTTLS:
            self.smtp.greet()
        self.told(Step.CONNECT, "The server answers.")

    def take(self, step: Step, message: EmailMessage) -> None:
        match step:
            case Step.TLS:
                self.told(step, self._tls())
            case Step.AUTH:
                self.told(step, self._auth())
            case Step.ACCEPTED:
                self.smtp.send_message(message)
                self.told(step, "The server took the mail.")
                with suppress(smtplib.SMTPException, OSError):  # it has the mail; how it says goodbye is its own affair
                    self.smtp.quit()

    def _tls(self) -> str:
        if self.server.security is Security.STARTTLS:
            self.smtp.starttls(context=trust.context())
        else:
            self.smtp.wrap(trust.context())
            self.smtp.greet()
        return str(getattr(self.smtp.sock, "version", str)() or "TLS")

    def _auth(self) -> str:
        if not self.server.username:
            return "No user is set; nobody signs in."
        self.smtp.login(self.server.username, self.server.password)
        return "The server knows the user."


class _OnSocket(smtplib.SMTP):
    """smtplib on a connection that exists; the greeting is read when TLS is there, where it comes first."""

    def __init__(self, sock: socket.socket, host: str) -> None:
        super().__init__(local_hostname=urlsplit(settings.BASE_URL).hostname or "localhost")
        self.sock: socket.socket | None = sock
        self._host = host

    def wrap(self, context: ssl.SSLContext) -> None:
        if self.sock is not None:
            self.sock = context.wrap_socket(self.sock, server_hostname=self._host)

    def cut(self) -> None:
        """From another thread. TLS takes a socket over, so the one of now is asked for."""
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def greet(self) -> None:
        code, words = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)


@contextmanager
def _on_time(smtp: _Smtp, until: float) -> Iterator[_Smtp]:
    """Cut off from outside when the time is over, whatever is being waited for."""
    timer = threading.Timer(max(0.0, until - time.monotonic()), smtp.smtp.cut)
    timer.daemon = True
    timer.start()
    try:
        yield smtp
    finally:
        timer.cancel()
        smtp.smtp.close()


def _words(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"The server says: {code} {line[:WORDS_MOST]}"
