"""The door of pages about one's own account, and of what needs a fresh proof that it is them."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.actor import Actor
from tenants.console.doors import to_prove
from tenants.console.errors import refused_page
from tenants.console.menu import Shown
from tenants.console.page import page
from tenants.errors import Refused
from tenants.models import SignIn, User
from tenants.restkit import access
from tenants.restkit.way_back import page_of
from tenants.services.signing_in import reauth

View = Callable[..., HttpResponse]
PAGES = (
    ("account:profile", _("Profile"), "user"),
    ("account:security", _("Security"), "lock"),
    ("account:sessions", _("Sessions"), "world"),
    ("account:sso-links", _("Company sign-in"), "plug-connected"),
)


class OwnRequest(HttpRequest):
    """What a view behind `own_page` is given."""

    person: User
    sign_in: SignIn
    actor: Actor


def own_page(*, credentials: bool = False) -> Callable[[View], View]:
    """`credentials`: sending its form changes how one signs in."""

    def door(view: View) -> View:
        @wraps(view)
        def through(request: OwnRequest, *args: Any, **parts: Any) -> HttpResponse:
            found = access.of(request)
            if found.caller is None or found.caller.sign_in is None:
                return redirect_to_login(page_of(request), settings.LOGIN_URL)
            request.person, request.sign_in = found.caller.user, found.caller.sign_in
            request.actor = found.actor(access.address_of(request))
            try:
                found.require_person(credentials=credentials and request.method == "POST")
                return view(request, *args, **parts)
            except reauth.ReauthenticationNeeded:
                return to_prove(request)
            except Refused as refused:
                return refused_page(request, refused)

        return through

    return door


def proven(view: View) -> View:
    """Before something dangerous: who has not shown of late that it is them does so first, and comes back."""

    @wraps(view)
    def through(request: HttpRequest, *args: Any, **parts: Any) -> HttpResponse:
        caller = access.of(request).caller
        if caller is None:
            return redirect_to_login(page_of(request), settings.LOGIN_URL)
        if caller.sign_in is not None and not reauth.is_fresh(caller.sign_in, now=timezone.now()):
            return to_prove(request)
        return view(request, *args, **parts)

    return through


def own(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """A page with the account's own menu, and the way back to where one works."""
    tenant = access.of(request).tenant
    back = reverse("console:overview", args=[tenant.slug]) if tenant else reverse("account:home")
    label = _("Back to the tenant") if tenant else _("Your tenants")
    items = [(reverse(name), label, icon) for name, label, icon in PAGES]
    mine = [Shown(url, str(label), icon, request.path.startswith(url)) for url, label, icon in items]
    shown = [Shown(back, str(label), "layout-dashboard", here=False), *mine]
    return page(request, template, {"menu": shown, **context}, status=status)
