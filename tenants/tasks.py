"""Housekeeping of who is who."""

from importlib import import_module

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone, translation

from tenants.outbound.smtp import NotSent
from tenants.services.mails import post
from tenants.services.people import unproven
from tenants.services.signing_in import one_time, passwords, sign_ins
from tenants.services.tenancy import tenant_life
from tenants.services.trail import retention
from tenants.taskbase import PlatformTask

log = structlog.get_logger(__name__)
# Seconds, for some two hours. Each is below the broker's visibility timeout: Redis would hand a later one out twice.
MAIL_AGAIN = (15, 30, 60, 120, *[240] * 28)


@shared_task(name="tenants.tasks.forget_old", base=PlatformTask)
def forget_old() -> None:
    """Delete sign-ins and console sessions that prove nothing any more."""
    sign_ins.forget_old(now=timezone.now())
    one_time.forget_old(now=timezone.now())
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


@shared_task(name="tenants.tasks.forget_history", base=PlatformTask)
def forget_history() -> None:
    """Let what is old leave the audit trail, and accounts that nobody proved to be theirs."""
    gone = retention.forget_old(now=timezone.now())
    accounts = unproven.sweep(now=timezone.now())
    if gone or accounts:
        log.info("forgotten", audit_entries=gone, accounts=accounts)


@shared_task(name="tenants.tasks.purge", base=PlatformTask)
def purge() -> None:
    """Remove for good the tenants whose grace is over."""
    tenant_life.purge_due(now=timezone.now())


@shared_task(name="tenants.tasks.send_mail", base=PlatformTask, bind=True)
def send_mail(self: PlatformTask, to: str, subject: str, body: str, tenant_id: str = "") -> None:
    """Deliver one mail, by the tenant's own server where it has one; for two hours, if it may work later."""
    try:
        post.deliver(to=to, subject=subject, body=body, tenant_id=tenant_id)
    except NotSent as error:
        tried = self.request.retries
        if error.temporary and tried < len(MAIL_AGAIN):
            raise self.retry(exc=error, countdown=MAIL_AGAIN[tried], max_retries=len(MAIL_AGAIN)) from error
        log.warning("mail_not_sent", tenant=tenant_id, step=error.step, reason=error.sentence)
        post.given_up(tenant_id=tenant_id, subject=subject, error=error)


@shared_task(name="tenants.tasks.forgot_password", base=PlatformTask)
def forgot_password(email: str, address: str, language: str) -> None:
    """Mail a link to whoever has an account."""
    with translation.override(language or "en"):
        passwords.forgot(email, address=address, now=timezone.now())
