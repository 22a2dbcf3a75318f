"""The door of every page of a tenant: signed in, a member, with the right. What is refused here becomes a page."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from tenants.actor import Actor
from tenants.console.errors import refused_page
from tenants.errors import Forbidden, Refused
from tenants.models import Tenant
from tenants.restkit import access
from tenants.restkit.permissions import refuse_closed
from tenants.restkit.way_back import page_of
from tenants.roles import Verb, who_may
from tenants.services.signing_in import reauth


class TenantRequest(HttpRequest):
    """What a view behind `tenant_page` is given."""

    tenant: Tenant
    actor: Actor


View = Callable[..., HttpResponse]


def to_prove(request: HttpRequest, back: str | None = None) -> HttpResponse:
    """What was sent is not kept: they come back to the page, or to `back` where that one cannot be looked at."""
    here = request.get_full_path() if request.method == "GET" else request.path
    return HttpResponseRedirect(f"{reverse('account:reauthenticate')}?{urlencode({'next': back or here})}")


def tenant_page(
    needs: Verb = Verb.VIEW, *, post: Verb | None = None, even_closed: bool = False
) -> Callable[[View], View]:
    """`needs` to look, `post` to send the page's form (the same, where none is named). `even_closed`: it may be sent in
    a suspended or deleted tenant too."""

    def door(view: View) -> View:
        @wraps(view)
        def through(request: TenantRequest, slug: str, **parts: Any) -> HttpResponse:
            found = access.of(request)
            if found.caller is None:
                return redirect_to_login(page_of(request), settings.LOGIN_URL)
            if found.tenant is None:
                raise Http404
            request.actor = found.actor(access.address_of(request))
            verb = needs if request.method in ("GET", "HEAD") else post or needs
            try:
                if not found.may(verb):
                    raise Forbidden(verb.value, [role.value for role in who_may(verb)])
                if request.method not in ("GET", "HEAD") and not even_closed:
                    refuse_closed(found.tenant, verb)
                return view(request, **parts)
            except reauth.ReauthenticationNeeded:
                return to_prove(request)
            except Refused as refused:
                return refused_page(request, refused)

        return through

    return door
