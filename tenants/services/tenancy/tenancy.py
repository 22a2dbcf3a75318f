"""Make a tenant: its row, its owner, its plan, its schema, and whatever the apps above give a new one. Rename it."""

from datetime import datetime
from typing import Protocol, cast

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from tenants.actor import Actor
from tenants.errors import Conflict, InvalidField, NotFound
from tenants.ids import new_id
from tenants.models import FormerSlug, Membership, Tenant, User
from tenants.roles import Role
from tenants.scope import platform_scope
from tenants.services.schemas import provision
from tenants.services.tenancy import slugs, steps
from tenants.services.trail import audit

BAD_SLUG = "Use a-z, 0-9 and single hyphens, 40 at most; some words are ours."
TAKEN = "This slug is taken. Choose another."


class Subscribe(Protocol):
    """`settings.TENANT_SUBSCRIBE`. Raises `InvalidField("plan", …)`."""

    def __call__(self, tenant: Tenant, *, plan: str, now: datetime) -> object: ...


class Step(Protocol):
    """One of `settings.TENANT_PROVISION_STEPS`, in the transaction that makes the tenant, in the platform's scope."""

    def __call__(self, tenant: Tenant) -> object: ...


@transaction.atomic
def create(
    *, name: str, plan: str, owner: User, now: datetime, slug: str | None = None, by: Actor | None = None
) -> Tenant:
    """All of it or none. `by`: who asked for it, to be written down; a registration writes its own entry.

    Raise `InvalidField` or `Conflict`.
    """
    with platform_scope():
        tenant = _row(name, slug, now=now)
        Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER, created_at=now)
        cast(Subscribe, import_string(settings.TENANT_SUBSCRIBE))(tenant, plan=plan, now=now)
        provision.create(tenant)
        for path in settings.TENANT_PROVISION_STEPS:
            cast(Step, import_string(path))(tenant)
        if by is not None:
            made = {"name": tenant.name, "slug": tenant.slug, "plan": plan, "owner": owner.email}
            audit.record("tenant.create", by=by, now=now, tenant=tenant, thing=tenant, after=made)
    return tenant


@transaction.atomic
def rename(tenant: Tenant, *, name: str, slug: str, by: Actor, now: datetime) -> Tenant:
    """Links with the old slug go on working for `slugs.KEPT`. Raise `InvalidField` or `Conflict`."""
    with platform_scope():
        held = hold(tenant.pk)
        before = {"name": held.name, "slug": held.slug}
        if slug != held.slug:
            _take(held, slug, now=now)
        held.name, held.slug = name, slug
        held.save(update_fields=["name", "slug", "updated_at"])
        steps.forget_tenants()
        audit.record(
            "tenant.rename", by=by, now=now, tenant=held, thing=held, before=before, after={"name": name, "slug": slug}
        )
    return held


def hold(tenant_id: str) -> Tenant:
    """Lock a tenant until the transaction ends: it holds its counts still, so that two cannot both take the last place.

    NO KEY: who only points at the tenant by a foreign key does not wait. Raise `NotFound`.
    """
    with platform_scope():
        held: Tenant | None = Tenant.objects.select_for_update(no_key=True).filter(pk=tenant_id).first()
    if held is None:
        raise NotFound
    return held


def _row(name: str, slug: str | None, *, now: datetime) -> Tenant:
    if slug is not None and not slugs.valid(slug):
        raise InvalidField("slug", BAD_SLUG)
    for candidate in [slug] if slug is not None else slugs.candidates(name):
        if not slugs.free(candidate, now=now):
            continue
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
    raise Conflict(TAKEN, "taken", "/slug")


def _take(held: Tenant, slug: str, *, now: datetime) -> None:
    """The old one is kept for the tenant; one that it had before it may have again."""
    if not slugs.valid(slug):
        raise InvalidField("slug", BAD_SLUG)
    if not slugs.free(slug, now=now, but=held.pk):
        raise Conflict(TAKEN, "taken", "/slug")
    FormerSlug.objects.filter(slug=slug).delete()
    FormerSlug.objects.update_or_create(slug=held.slug, defaults={"tenant": held, "until": now + slugs.KEPT})
