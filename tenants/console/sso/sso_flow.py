"""The way to a tenant's own provider.

It runs on BASE_URL's host, whatever host it was asked on: that is where the redirect URI leads, and the cookies lie.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from tenants.actor import Actor
from tenants.console.sso import sso_cookies
from tenants.console.sso.sso_pages import NotReached, by_address, door_url, leave, problem, unknown_company
from tenants.console.views import safe_next
from tenants.models import SsoProvider
from tenants.oidc.request import AuthenticationRequest
from tenants.oidc.trouble import ProviderTrouble
from tenants.queries import directory
from tenants.queries import sso as sso_queries
from tenants.restkit import access
from tenants.restkit.request_ids import request_id
from tenants.services.sso import sso, sso_attempts, sso_config
from tenants.services.sso.sso_attempts import Attempt, Purpose

ASKED = {Purpose.SILENT: {"prompt": "none"}, Purpose.FRESH: {"prompt": "login", "max_age": "0"}}


@by_address
@never_cache
@require_GET
def sign_in(request: HttpRequest, tenant: str) -> HttpResponse:
    """`?next=` a page of ours; `?silent=1` without a word to the person; `?fresh=1` to prove it anew."""
    if request.get_host() != urlsplit(settings.BASE_URL).netloc:
        return HttpResponseRedirect(settings.BASE_URL.rstrip("/") + request.get_full_path())
    found = directory.by_name(tenant)
    provider = sso_queries.enabled_provider(found) if found is not None else None
    if found is None or provider is None:
        return unknown_company(request, tenant)
    wanted = safe_next(request, request.GET.get("next", ""), default=reverse("console:overview", args=[found.slug]))
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and access.of(request).caller is not None:
        # Another site's link would sign this person in as somebody else: they press the button, or do not.
        return HttpResponseRedirect(door_url(found.slug, wanted))
    if "fresh" in request.GET:
        purpose = Purpose.FRESH
    else:
        purpose = Purpose.SILENT if "silent" in request.GET else Purpose.SIGN_IN
    return to_provider(request, provider, purpose, wanted)


def to_provider(
    request: HttpRequest, provider: SsoProvider, purpose: Purpose, wanted: str, *, user_id: str = ""
) -> HttpResponse:
    """By a redirect; where a form was sent, by a page."""
    now = timezone.now()
    try:
        client = sso_config.client_of(provider, now=now)
    except ProviderTrouble as trouble:
        sso.refused_entry(provider.tenant, str(trouble), by=by(request), now=now)
        return problem(request, NotReached(), provider.tenant)
    where, state, nonce, verifier = AuthenticationRequest(client, **ASKED.get(purpose, {})).begin(request)
    attempt = Attempt(provider.tenant_id, purpose, nonce, verifier, wanted, now.timestamp(), user_id)
    secret = sso_attempts.keep(state, attempt)
    response = leave(request, where) if request.method == "POST" else HttpResponseRedirect(where)
    sso_cookies.give(response, request, state, secret)
    return response


def by(request: HttpRequest) -> Actor:
    """Nobody yet, from here."""
    return Actor(user_id=None, through=sso.NAME, request_id=request_id(), address=access.address_of(request))
