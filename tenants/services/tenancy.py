"""Make a tenant: its row, its owner, its plan, its schema, and whatever the apps above give a new one."""

from datetime import datetime
from typing import Protocol, cast

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from tenants.errors import Conflict, InvalidField
from tenants.ids import new_id
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scope import platform_scope
from tenants.services import provision, slugs


class Subscribe(Protocol):
    """`settings.TENANT_SUBSCRIBE`. Raises `InvalidField("plan", …)`."""

    def __call__(self, tenant: Tenant, *, plan: str, now: datetime) -> object: ...


class Step(Protocol):
    """One of `settings.TENANT_PROVISION_STEPS`, in the transaction that makes the tenant, in the platform's scope."""

    def __call__(self, tenant: Tenant) -> object: ...


@transaction.atomic
def create(*, name: str, plan: str, owner: User, now: datetime, slug: str | None = None) -> Tenant:
    """All of it or none. Raise `InvalidField` or `Conflict`."""
    with platform_scope():
        tenant = _row(name, slug, now=now)
        Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER, created_at=now)
        cast(Subscribe, import_string(settings.TENANT_SUBSCRIBE))(tenant, plan=plan, now=now)
        provision.create(tenant)
        for path in settings.TENANT_PROVISION_STEPS:
            cast(Step, import_string(path))(tenant)
    return tenant


def _row(name: str, slug: str | None, *, now: datetime) -> Tenant:
    if slug is not None and not slugs.valid(slug):
        raise InvalidField("slug", "Use a-z, 0-9 and single hyphens, 40 at most; some words are ours.")
    for candidate in [slug] if slug is not None else slugs.candidates(name):
        tenant_id = new_id()
        tenant = Tenant(
            id=tenant_id, slug=candidate, name=name, schema_name=provision.schema_name(tenant_id), created_at=now
        )
        try:
            with transaction.atomic():
                tenant.save(force_insert=True)
        except IntegrityError:
            continue
        return tenant
    raise Conflict("This slug is taken. Choose another.", "taken", "/slug")
