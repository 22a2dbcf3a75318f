"""A tenant's own sign-in provider, and whom it has let in."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from tenants.models import SignIn, SsoIdentity, SsoProvider, Tenant, User
from tenants.scope import platform_scope


@dataclass(frozen=True, slots=True)
class Status:
    people: int
    last_sign_in_at: datetime | None


def provider(tenant: Tenant) -> SsoProvider | None:
    with platform_scope():
        return SsoProvider.objects.filter(tenant=tenant).first()


def enabled_provider(tenant: Tenant) -> SsoProvider | None:
    found = provider(tenant)
    return found if found is not None and found.enabled else None


def status(tenant: Tenant) -> Status:
    with platform_scope():
        rows = SsoIdentity.objects.filter(tenant=tenant)
        return Status(rows.count(), rows.aggregate(at=Max("last_sign_in_at"))["at"])


def sign_ins_of(tenant: Tenant, issuer: str, *, subject: str, session: str) -> list[SignIn]:
    """Live ones by this provider; of the provider's session where it names one, else all of the subject's."""
    with platform_scope():
        rows = SignIn.objects.filter(tenant=tenant, sso_issuer=issuer, ended_at=None)
        if subject:
            rows = rows.filter(sso_subject=subject)
        return list(rows.filter(sso_session=session) if session else rows)


def links_of(user: User, tenants: list[Tenant]) -> dict[str, SsoIdentity | None]:
    """Of those tenants that have a provider of their own: this person's identity there, if there is one."""
    with platform_scope():
        providers = {row.tenant_id: row for row in SsoProvider.objects.filter(tenant__in=tenants, enabled=True)}
        found: dict[str, SsoIdentity | None] = dict.fromkeys(providers)
        for row in SsoIdentity.objects.filter(user=user, tenant__in=providers):
            if row.issuer == providers[row.tenant_id].issuer:
                found[row.tenant_id] = row
        return found
