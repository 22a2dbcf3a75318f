"""Sign in: password, then the second factor where there is one; or a passkey alone."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tenants.console.forms import LoginForm, SecondStepForm
from tenants.console.page import page
from tenants.console.people import ceremonies
from tenants.console.sentences import sentence
from tenants.console.views import safe_next
from tenants.errors import Refused
from tenants.models import SignInMethod, User
from tenants.restkit import access
from tenants.services.people import accounts
from tenants.services.signing_in import console_sessions, passkeys, second_factor, second_step

WAITING = "second_step"  # in the session of one who is not signed in yet: [ticket, next]


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.method == "GET" and access.of(request).caller is not None:
        return HttpResponseRedirect(safe_next(request, request.GET.get("next", "")))
    form = LoginForm(request.POST or None, initial={"next": request.GET.get("next", "")})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        source = access.source_of(request)
        try:
            user = accounts.prove(given["email"], given["password"], source=source, now=timezone.now())
        except Refused as refused:
            form.show(refused)
        else:
            return first_step(request, user, given["next"])
    context = {"form": form, "open": settings.SIGN_UP_OPEN}
    return page(request, "tenants/login.html", context, status=422 if form.errors else 200)


def first_step(request: HttpRequest, user: User, wanted: str) -> HttpResponse:
    """The password was right."""
    if not second_factor.factors(user).any:
        console_sessions.begin(request, user, method=SignInMethod.PASSWORD)
        return HttpResponseRedirect(safe_next(request, wanted))
    request.session.cycle_key()
    request.session[WAITING] = [second_step.ticket(user), wanted]
    return redirect("account:second-step")


def waiting(request: HttpRequest) -> tuple[User, str]:
    """Whose second factor is waited for, and where to afterwards. Raise `Unauthenticated` when it took too long."""
    ticket, wanted = request.session.get(WAITING, ["", ""])
    user, _ = second_step.redeem(ticket)
    return user, wanted


@never_cache
@require_http_methods(["GET", "POST"])
def second(request: HttpRequest) -> HttpResponse:
    try:
        user, wanted = waiting(request)
    except Refused:
        return redirect("account:login")
    form = SecondStepForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        source = access.source_of(request)
        try:
            accounts.prove_second(user, form.cleaned_data["otp"], source=source, now=timezone.now())
        except Refused as refused:
            form.show(refused)
        else:
            console_sessions.begin(request, user, method=SignInMethod.PASSWORD, second_factor=True)
            return HttpResponseRedirect(safe_next(request, wanted))
    context = {"form": form, "has": second_factor.factors(user)}
    return page(request, "tenants/second_step.html", context, status=422 if form.errors else 200)


@never_cache
@require_POST
def passkey_options(request: HttpRequest) -> HttpResponse:
    """For whoever waits for a second factor theirs, for anybody else whichever the browser has."""
    user = _waiting_or_none(request)
    asked = passkeys.authentication_options(ceremonies.site_of(request), user)
    return ceremonies.ask(request, asked)


@never_cache
@require_POST
def passkey(request: HttpRequest) -> HttpResponse:
    user, wanted = _waiting_or_none(request), request.GET.get("next", "")
    if user is not None:
        wanted = waiting(request)[1]
    try:
        proven = passkeys.prove(
            passkeys.parsed(request.body),
            challenge=ceremonies.challenge(request),
            site=ceremonies.site_of(request),
            user=user,
            now=timezone.now(),
        )
        accounts.refuse_unverified(proven.user, now=timezone.now())
    except Refused as refused:
        accounts.note_refusal(user, refused, source=access.source_of(request), now=timezone.now())
        return JsonResponse({"detail": sentence(refused)}, status=refused.status)
    method = SignInMethod.PASSWORD if user is not None else SignInMethod.PASSKEY
    console_sessions.begin(request, proven.user, method=method, second_factor=True)
    return JsonResponse({"next": safe_next(request, wanted)})


def _waiting_or_none(request: HttpRequest) -> User | None:
    if WAITING not in request.session:
        return None
    try:
        return waiting(request)[0]
    except Refused:
        return None
