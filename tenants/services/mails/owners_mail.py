"""Mails to the owners of a tenant: each in their own language, by the platform's server, as the tenant's may be what
fails."""

from typing import Any

from django.conf import settings

from tenants.models import Membership
from tenants.roles import Role
from tenants.scope import platform_scope
from tenants.services.mails import mail

MOST = 20


def send(template: str, tenant_id: str, *, path: str, context: dict[str, Any]) -> None:
    """In the transaction of what it is about: it leaves when that is committed. `path` is within the tenant's pages."""
    with platform_scope():
        rows = Membership.objects.filter(tenant=tenant_id, role=Role.OWNER, suspended_at=None, user__is_active=True)
        for row in rows.select_related("tenant", "user").order_by("created_at", "pk")[:MOST]:
            shown = {
                **context,
                "name": row.user.first_name or row.user.email,
                "tenant": row.tenant.name,
                "url": f"{settings.BASE_URL}/t/{row.tenant.slug}{path}",
            }
            language = row.user.language or settings.LANGUAGE_CODE
            mail.send(template, to=row.user.email, language=language, context=shown)
