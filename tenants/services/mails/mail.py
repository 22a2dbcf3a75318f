"""Mails: written in the reader's language now, sent by a worker after commit."""

from typing import Any

from django.template.loader import render_to_string
from django.utils import translation

from tenants.after_commit import after_commit
from tenants.models import Tenant


def send(template: str, *, to: str, language: str, context: dict[str, Any], tenant: Tenant | None = None) -> None:
    """`templates/mail/<template>.txt`: the first line is the subject, after a blank one comes the text.

    By the tenant's own server where it has one, else by the platform's.
    """
    with translation.override(language or "en"):
        text = render_to_string(f"mail/{template}.txt", context)
    subject, _, body = text.strip().partition("\n")
    tenant_id = tenant.pk if tenant is not None else ""
    after_commit(lambda: ask(to=to, subject=subject.strip(), body=body.strip() + "\n", tenant_id=tenant_id))


def ask(**message: str) -> None:
    from celery import current_app

    current_app.send_task("tenants.tasks.send_mail", kwargs=message, queue="control")
