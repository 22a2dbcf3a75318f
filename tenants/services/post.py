"""Hand a mail to a server."""

from django.core.mail import EmailMessage


def deliver(*, to: str, subject: str, body: str, tenant_id: str) -> None:
    """Raise OSError or smtplib.SMTPException when the server does not take it."""
    EmailMessage(subject, body, to=[to]).send()
