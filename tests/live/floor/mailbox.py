"""A mail server that tests can read: aiosmtpd, under STARTTLS or TLS, with a user."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from aiosmtpd.smtp import LoginPassword as Shown

USER, PASSWORD = "mailer", "s3cret-mail"


@dataclass
class Mailbox:
    """`answers`: what a RCPT gets instead of 250, in order. `signed_in`: what each session had proven at its mail."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    signed_in: list[bool] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    attempts: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.attempts += 1
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.raw.append(content)
        made: Any = message_from_bytes(content, policy=policy.default)
        self.mails.append(made)
        self.recipients.extend(envelope.rcpt_tos)
        self.signed_in.append(bool(session.authenticated))
        under = server.transport and server.transport.get_extra_info("ssl_object")
        self.encrypted.append(session.ssl is not None or under is not None)
        return "250 taken"


def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, shown: Any) -> AuthResult:
    good = isinstance(shown, Shown) and shown.login == USER.encode() and shown.password == PASSWORD.encode()
    return AuthResult(success=good, handled=False)


@contextmanager
def mailbox(pem: Path | None, *, starttls: bool = True) -> Iterator[Mailbox]:
    """Without `pem` it speaks in the clear, and offers nothing else."""
    box = Mailbox()
    context = None
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
    options: dict[str, Any] = {"authenticator": authenticate, "auth_require_tls": starttls and pem is not None}
    if starttls and context:
        options |= {"tls_context": context, "require_starttls": True}
    loop, sessions = asyncio.new_event_loop(), list[SMTP]()

    def session() -> SMTP:
        sessions.append(SMTP(box, loop=loop, **options))
        return sessions[-1]

    tls = None if starttls else context
    server = loop.run_until_complete(loop.create_server(session, "127.0.0.1", 0, ssl=tls))
    box.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        asyncio.run_coroutine_threadsafe(_end(server, sessions), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(server: asyncio.Server, sessions: list[SMTP]) -> None:
    """Every connection too, and the turns of the loop in which each says so."""
    server.close()
    for one in sessions:
        if isinstance(one.transport, asyncio.WriteTransport):
            one.transport.abort()
    here = asyncio.current_task()
    rest = [task for task in asyncio.all_tasks() if task is not here]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    for _ in range(5):
        await asyncio.sleep(0)
