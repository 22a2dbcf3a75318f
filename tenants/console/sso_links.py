"""A person's own links to their companies' sign-ins: see them, make one, take one back."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from tenants.console.errors import refused_page
from tenants.console.page import page
from tenants.console.sso_flow import to_provider
from tenants.errors import NotFound, Refused
from tenants.models import SsoIdentity, SsoProvider, Tenant
from tenants.queries import people
from tenants.queries import sso as sso_queries
from tenants.restkit import access
from tenants.services import sso
from tenants.services.sso_attempts import Purpose


@dataclass(frozen=True, slots=True)
class Row:
    tenant: Tenant
    identity: SsoIdentity | None


@never_cache
@require_GET
def links(request: HttpRequest) -> HttpResponse:
    found = access.of(request)
    if found.caller is None:
        return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
    theirs = people.memberships(found.caller.user.pk, only=found.caller.tenant_id)
    known = sso_queries.links_of(found.caller.user, [row.tenant for row in theirs])
    rows = [Row(row.tenant, known[row.tenant_id]) for row in theirs if row.tenant_id in known]
    return page(request, "tenants/sso_links.html", {"rows": rows, "own": not found.caller.is_by_sso})


@never_cache
@require_POST
def link(request: HttpRequest, tenant: str) -> HttpResponse:
    """On to the provider; what comes back is linked to who is signed in now."""
    try:
        caller, provider = _theirs(request, tenant)
    except Refused as refused:
        return refused_page(request, refused)
    wanted = reverse("account:sso-links")
    return to_provider(request, provider, Purpose.LINK, wanted, user_id=str(caller.user.pk))


@never_cache
@require_POST
def unlink(request: HttpRequest, tenant: str) -> HttpResponse:
    try:
        caller, provider = _theirs(request, tenant)
    except Refused as refused:
        return refused_page(request, refused)
    by = access.of(request).actor(access.address_of(request))
    sso.unlink(provider.tenant, caller.user, by=by, now=timezone.now())
    return redirect("account:sso-links")


def _theirs(request: HttpRequest, named: str) -> tuple[access.Caller, SsoProvider]:
    """A person by their own means, proven just now, and the provider of a tenant of theirs."""
    found = access.of(request)
    caller = found.signed_in()
    found.require_own_sign_in()
    found.require_proof(now=timezone.now())
    row = next((row for row in people.memberships(caller.user.pk) if row.tenant.slug == named), None)
    provider = sso_queries.enabled_provider(row.tenant) if row is not None else None
    if provider is None:
        raise NotFound
    return caller, provider
