"""Sign up, sign in, sign out, choose a tenant, and say how one likes the console."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tenants.console.forms import LoginForm, PreferencesForm, SignUpForm
from tenants.console.page import THEME_COOKIE, page, theme_of
from tenants.console.words import ROLES
from tenants.errors import Refused
from tenants.models import SignInMethod, User
from tenants.queries import people
from tenants.restkit import access
from tenants.services import accounts, console_sessions, passwords, profiles
from tenants.services.accounts import NewAccount

YEAR = 365 * 86400


def home(request: HttpRequest) -> HttpResponse:
    """The only tenant's overview, or the choice among several."""
    caller = access.of(request).caller
    if caller is None:
        return redirect("account:login")
    theirs = people.memberships(caller.user.pk)
    if len(theirs) == 1:
        return redirect("console:overview", theirs[0].tenant.slug)
    rows = [{"tenant": row.tenant, "role": ROLES[row.role]} for row in theirs]
    return page(request, "tenants/choose.html", {"rows": rows})


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method == "GET" and access.of(request).caller is not None:
        return HttpResponseRedirect(safe_next(request, request.GET.get("next", "")))
    form = LoginForm(request.POST or None, initial={"next": request.GET.get("next", "")})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            user = passwords.prove(given["email"], given["password"], address=access.address_of(request))
        except Refused as refused:
            form.show(refused)
        else:
            console_sessions.begin(request, user, method=SignInMethod.PASSWORD)
            return HttpResponseRedirect(safe_next(request, given["next"]))
    return page(
        request, "tenants/login.html", {"form": form, "open": settings.SIGN_UP_OPEN}, status=422 if form.errors else 200
    )


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user, tenant = accounts.register(NewAccount(**form.cleaned_data), now=timezone.now())
        except Refused as refused:
            form.show(refused)
        else:
            console_sessions.begin(request, user, method=SignInMethod.PASSWORD)
            prefer(user, language=translation.get_language() or settings.LANGUAGE_CODE, theme="")
            return redirect("console:overview", tenant.slug)
    return page(
        request,
        "tenants/signup.html",
        {"form": form, "open": settings.SIGN_UP_OPEN},
        status=422 if form.errors else 200,
    )


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    console_sessions.finish(request)
    return redirect("account:login")


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
    response = HttpResponseRedirect(safe_next(request, chosen["next"]))
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


def safe_next(request: HttpRequest, wanted: str) -> str:
    """Only a page of ours."""
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if wanted and ours else reverse("account:home")
