"""A person's own links to their companies' sign-ins: see them, make one, take one back."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from tenants.console.sso.sso_flow import to_provider
from tenants.console.tenancy.own import OwnRequest, own, own_page
from tenants.errors import NotFound
from tenants.models import SsoIdentity, SsoProvider, Tenant
from tenants.queries import people
from tenants.queries import sso as sso_queries
from tenants.services.signing_in import reauth
from tenants.services.sso import sso
from tenants.services.sso.sso_attempts import Purpose


@dataclass(frozen=True, slots=True)
class Row:
    tenant: Tenant
    identity: SsoIdentity | None


@never_cache
@require_GET
@own_page()
def links(request: OwnRequest) -> HttpResponse:
    theirs = people.memberships(request.person.pk, only=request.sign_in.tenant_id)
    known = sso_queries.links_of(request.person, [row.tenant for row in theirs])
    rows = [Row(row.tenant, known[row.tenant_id]) for row in theirs if row.tenant_id in known]
    return own(request, "tenants/sso_links.html", {"rows": rows})


@never_cache
@require_POST
@own_page(credentials=True)
def link(request: OwnRequest, tenant: str) -> HttpResponse:
    """On to the provider; what comes back is linked to who is signed in now."""
    if not reauth.is_fresh(request.sign_in, now=timezone.now()):
        return _prove_first()
    wanted = reverse("account:sso-links")
    return to_provider(request, _provider(request, tenant), Purpose.LINK, wanted, user_id=str(request.person.pk))


@never_cache
@require_POST
@own_page(credentials=True)
def unlink(request: OwnRequest, tenant: str) -> HttpResponse:
    if not reauth.is_fresh(request.sign_in, now=timezone.now()):
        return _prove_first()
    provider = _provider(request, tenant)
    sso.unlink(provider.tenant, request.person, by=request.actor, now=timezone.now())
    return redirect("account:sso-links")


def _prove_first() -> HttpResponse:
    """And then press the button again: these two have no page of their own to come back to."""
    asked = urlencode({"next": reverse("account:sso-links")})
    return HttpResponseRedirect(f"{reverse('account:reauthenticate')}?{asked}")


def _provider(request: OwnRequest, named: str) -> SsoProvider:
    """Of a tenant of theirs. Raise `NotFound`."""
    row = next((row for row in people.memberships(request.person.pk) if row.tenant.slug == named), None)
    provider = sso_queries.enabled_provider(row.tenant) if row is not None else None
    if provider is None:
        raise NotFound
    return provider
