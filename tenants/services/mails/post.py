"""Hand a mail to a server: the tenant's own, where one is switched on, else the platform's, else a folder."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid, parseaddr
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.mail import EmailMessage as Kept
from django.utils import timezone

from tenants import vault
from tenants.actor import SYSTEM
from tenants.models import Outcome, SmtpServer
from tenants.outbound import smtp
from tenants.outbound.smtp import NotSent, Security, Server, Told
from tenants.services.trail import audit

SCHEMES = {"smtp+starttls": (Security.STARTTLS, 587), "smtps": (Security.TLS, 465)}
TEXT = SMTP.clone(max_line_length=998)


class BadSmtpUrl(ValueError):
    """VELOFLUX_SMTP_URL is none."""


def deliver(*, to: str, subject: str, body: str, tenant_id: str) -> None:
    """Raise `NotSent`. A header that holds more than a line is refused (ValueError), never sent."""
    own = SmtpServer.objects.filter(tenant=tenant_id, enabled=True).first() if tenant_id else None
    if own is not None:
        smtp.send(server_of(own), message(to, subject, body, sender=own.sender, name=own.sender_name))
    elif settings.SMTP_URL:
        name, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
        smtp.send(platform_server(settings.SMTP_URL), message(to, subject, body, sender=sender, name=name))
    else:
        Kept(subject, body, to=[to]).send()


def message(to: str, subject: str, body: str, *, sender: str, name: str) -> EmailMessage:
    made = EmailMessage(policy=TEXT)
    made["From"] = Address(name, addr_spec=sender)
    made["To"] = Address(addr_spec=to)
    made["Subject"] = subject
    made["Date"] = formatdate()
    made["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(body, cte="quoted-printable")
    return made


def server_of(own: SmtpServer) -> Server:
    """Raise `vault.CannotOpen`."""
    password = vault.unseal(own.password, about=about_password(own))
    return Server(own.host, own.port, Security(own.security), own.username, password)


def about_password(own: SmtpServer) -> str:
    return f"smtp_server.password:{own.pk}"


def platform_server(url: str) -> Server:
    """Raise `BadSmtpUrl`."""
    try:
        parts = urlsplit(url)
        security, usual = SCHEMES[parts.scheme]
        port = parts.port or usual
    except (KeyError, ValueError) as error:
        raise BadSmtpUrl("VELOFLUX_SMTP_URL is smtp+starttls://user:password@host:587, or smtps://….") from error
    if not parts.hostname:
        raise BadSmtpUrl("VELOFLUX_SMTP_URL names no host.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(parts.hostname, port, security, user, password, ours=True)


def try_out(server: Server, to: str, *, sender: str, name: str, told: Told) -> None:
    """A mail that says that it is a test. Raise `NotSent`."""
    subject = "VeloFlux: your mail server works"
    body = "This mail was sent to test a mail server. Nothing has to be done.\n"
    smtp.send(server, message(to, subject, body, sender=sender, name=name), told=told)


def given_up(*, tenant_id: str, subject: str, error: NotSent) -> None:
    """Nobody will try again: say so where its people look."""
    audit.record(
        "mail.fail",
        by=SYSTEM,
        now=timezone.now(),
        tenant=tenant_id,
        name=subject,
        outcome=Outcome.REFUSED,
        detail=f"{error.step}: {error.sentence}",
    )
