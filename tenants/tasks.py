"""Housekeeping of who is who."""

from importlib import import_module

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from tenants.services import sessions
from tenants.taskbase import PlatformTask


@shared_task(name="tenants.tasks.forget_old", base=PlatformTask)
def forget_old() -> None:
    """Delete refresh tokens and console sessions that prove nothing any more."""
    sessions.forget_old(now=timezone.now())
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
