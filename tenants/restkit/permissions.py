"""Who may: the role table, asked for the verb that the view names for its action."""

from typing import TYPE_CHECKING

from django.views import View
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.errors import Forbidden, Refused, Unauthenticated
from tenants.models import Tenant, TenantStatus
from tenants.restkit import access
from tenants.roles import Verb, who_may

if TYPE_CHECKING:  # DRF reads its settings, and through them this module, while it is itself being imported
    from rest_framework.views import APIView


class SignedIn(BasePermission):
    def has_permission(self, request: Request, view: "APIView") -> bool:
        if access.of(request._request).caller is None:
            raise Unauthenticated
        return True


class TenantRight(SignedIn):
    """A tenant, and the right to do this in it. The order is part of the contract: 401, then 404, then 403."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        super().has_permission(request, view)
        found = access.of(request._request)
        if found.problem is not None:
            raise found.problem
        verb = needed(view)
        if not found.may(verb):
            raise Forbidden(verb, [str(role) for role in who_may(verb)])
        if getattr(view, "action", None) not in getattr(view, "even_closed", ()):
            refuse_closed(found.tenant, verb)
        return True


def refuse_closed(tenant: Tenant | None, verb: Verb) -> None:
    """One that is suspended or deleted can be read, not changed. An API view names the actions that go on all the same
    in `even_closed`."""
    if tenant is None or verb is Verb.VIEW:
        return
    if tenant.status == TenantStatus.SUSPENDED:
        raise Refused("This tenant is suspended: it can be read, not changed.", "suspended", 403)
    if tenant.status == TenantStatus.DELETED:
        raise Refused("This tenant is deleted: it can be read and restored, not changed.", "deleted", 403)


def needed(view: View) -> Verb:
    """The verb of the current action. An action without one is a bug, never open."""
    verbs: dict[str, Verb] = getattr(view, "verbs", {})
    return verbs[getattr(view, "action", None) or "metadata"]
