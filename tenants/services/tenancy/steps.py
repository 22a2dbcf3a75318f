"""What the apps above do when a tenant changes: they name their functions in the settings, and are called here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from tenants.actor import Actor
from tenants.after_commit import after_commit
from tenants.models import Tenant
from tenants.queries import directory
from tenants.scope import platform_scope


class ChangedStep(Protocol):
    """One of `settings.TENANT_CHANGED_STEPS`: in the transaction of the change, in the platform's scope."""

    def __call__(
        self, tenant: Tenant, *, by: Actor, now: datetime, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> object: ...


class PurgeStep(Protocol):
    """One of `settings.TENANT_PURGE_STEPS`: before the tenant's rows go, in their transaction."""

    def __call__(self, tenant: Tenant, *, now: datetime) -> object: ...


def changed(tenant: Tenant, *, by: Actor, now: datetime, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """What is seen of a tenant has changed: its status, or what its plan allows. Every process forgets it on commit."""
    forget_tenants()
    with platform_scope():
        for path in settings.TENANT_CHANGED_STEPS:
            cast(ChangedStep, import_string(path))(tenant, by=by, now=now, before=before, after=after)


def purging(tenant: Tenant, *, now: datetime) -> None:
    forget_tenants()
    with platform_scope():
        for path in settings.TENANT_PURGE_STEPS:
            cast(PurgeStep, import_string(path))(tenant, now=now)


def forget_tenants() -> None:
    """This process now, as the change is its own; all of them when it is committed."""
    directory.forget()
    after_commit(directory.forget_everywhere)
