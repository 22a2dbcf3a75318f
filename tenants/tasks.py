"""Housekeeping of who is who."""

from importlib import import_module

from celery import shared_task
from django.conf import settings
from django.utils import timezone, translation

from tenants.services import one_time, passwords, post, sign_ins, tenant_life
from tenants.taskbase import PlatformTask


@shared_task(name="tenants.tasks.forget_old", base=PlatformTask)
def forget_old() -> None:
    """Delete sign-ins and console sessions that prove nothing any more."""
    sign_ins.forget_old(now=timezone.now())
    one_time.forget_old(now=timezone.now())
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()


@shared_task(name="tenants.tasks.purge", base=PlatformTask)
def purge() -> None:
    """Remove for good the tenants whose grace is over."""
    tenant_life.purge_due(now=timezone.now())


@shared_task(name="tenants.tasks.send_mail", base=PlatformTask)
def send_mail(to: str, subject: str, body: str, tenant_id: str = "") -> None:
    """Deliver one mail, by the tenant's own server where it has one."""
    post.deliver(to=to, subject=subject, body=body, tenant_id=tenant_id)


@shared_task(name="tenants.tasks.forgot_password", base=PlatformTask)
def forgot_password(email: str, address: str, language: str) -> None:
    """Mail a link to whoever has an account."""
    with translation.override(language or "en"):
        passwords.forgot(email, address=address, now=timezone.now())
