"""The end of a single sign-on: the person's own, and the provider's word."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from tenants.console.sso import sso_cookies
from tenants.console.sso.sso_flow import by
from tenants.console.sso.sso_pages import by_address, leave
from tenants.models import SignInMethod
from tenants.oidc.trouble import ProviderTrouble
from tenants.queries import directory
from tenants.queries import sso as sso_queries
from tenants.restkit import access
from tenants.services.signing_in import console_sessions
from tenants.services.sso import sso_ends


@never_cache
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Here at once; then at the provider, where it offers that."""
    current = console_sessions.of(request)
    where = ""
    if current is not None and current.method == SignInMethod.SSO:
        where = sso_ends.provider_sign_out(current, now=timezone.now())
    console_sessions.finish(request)
    request.access = access.Access(None)  # type: ignore[attr-defined]  # nobody's page from here on
    response = leave(request, where) if where else redirect("account:login")
    sso_cookies.forget(response)
    return response


@by_address
@csrf_exempt  # the provider asks, not a browser; its token is what is believed
@never_cache
@require_POST
def backchannel(request: HttpRequest, tenant: str) -> HttpResponse:
    """Back-Channel Logout 1.0, section 2.8: 200, or 400 with an error in JSON."""
    found = directory.by_name(tenant)
    provider = sso_queries.enabled_provider(found) if found is not None else None
    try:
        if provider is None:
            return _refused("There is no such client here.")
        sso_ends.backchannel(provider, request.POST.get("logout_token", ""), by=by(request), now=timezone.now())
    except ProviderTrouble as trouble:
        return _refused(trouble.sentence)
    return HttpResponse(status=200)


def _refused(sentence: str) -> JsonResponse:
    body = {"error": "invalid_request", "error_description": sentence}
    return JsonResponse(body, status=400)
