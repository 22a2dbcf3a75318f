"""Sign out, choose a tenant, and say how one likes the console."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from tenants.console.forms import PreferencesForm
from tenants.console.page import THEME_COOKIE, page, theme_of
from tenants.console.words import ROLES
from tenants.models import User
from tenants.queries import people
from tenants.restkit import access
from tenants.services.people import profiles
from tenants.services.signing_in import console_sessions

YEAR = 365 * 86400


def home(request: HttpRequest) -> HttpResponse:
    """The only tenant's overview, or the choice among several."""
    caller = access.of(request).caller
    if caller is None:
        return redirect("account:login")
    theirs = people.memberships(caller.user.pk, only=caller.tenant_id)
    if len(theirs) == 1:
        return redirect("console:overview", theirs[0].tenant.slug)
    rows = [{"tenant": row.tenant, "role": ROLES[row.role]} for row in theirs]
    return page(request, "tenants/choose.html", {"rows": rows})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """`next`: a page of ours to come out at, such as an invitation for somebody else."""
    console_sessions.finish(request)
    return HttpResponseRedirect(safe_next(request, request.POST.get("next", ""), default=reverse("account:login")))


@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Kept with the account where there is one, and in a cookie: sign-in pages speak the language too."""
    if request.method == "GET":
        return page(request, "tenants/preferences.html", {"form": PreferencesForm(initial=preferred(request))})
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        return page(request, "tenants/preferences.html", {"form": form}, status=422)
    chosen = form.cleaned_data
    caller = access.of(request).caller
    if caller is not None:
        prefer(caller.user, language=chosen["language"], theme=chosen["theme"])
    return remember(HttpResponseRedirect(safe_next(request, chosen["next"])), chosen)


def remember(response: HttpResponse, chosen: dict[str, str]) -> HttpResponse:
    """In cookies: the pages before sign-in speak the language and wear the theme too."""
    for name, value in ((settings.LANGUAGE_COOKIE_NAME, chosen["language"]), (THEME_COOKIE, chosen["theme"])):
        if value:
            response.set_cookie(
                name, value, max_age=YEAR, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE, httponly=True
            )
    return response


def prefer(user: User, *, language: str, theme: str) -> None:
    """An empty one stays as it was."""
    profiles.update(
        user,
        first_name=user.first_name,
        last_name=user.last_name,
        language=language or user.language,
        theme=theme or user.theme,
    )


def preferred(request: HttpRequest) -> dict[str, str]:
    return {"language": translation.get_language() or "", "theme": theme_of(request)}


def safe_next(request: HttpRequest, wanted: str, *, default: str | None = None) -> str:
    """Only a page of ours; else `default`, which is home."""
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    if wanted and ours:
        return wanted
    return reverse("account:home") if default is None else default
