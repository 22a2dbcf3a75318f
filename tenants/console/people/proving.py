"""Confirm that it is you: before something dangerous, when the last time was a while ago."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tenants.console.forms import ReauthenticateForm
from tenants.console.people import ceremonies
from tenants.console.sentences import sentence
from tenants.console.tenancy.own import OwnRequest, own, own_page
from tenants.console.views import safe_next
from tenants.errors import Refused
from tenants.models import SignInMethod
from tenants.restkit import access
from tenants.services.signing_in import passkeys, passwords, reauth, second_factor
from tenants.services.trail import people_audit


@sensitive_post_parameters("password")
@own_page()
@never_cache
@require_http_methods(["GET", "POST"])
def reauthenticate(request: OwnRequest) -> HttpResponse:
    """By password or passkey; who came by a tenant's provider goes there again."""
    wanted = request.POST.get("next", request.GET.get("next", ""))
    person, tenant = request.person, request.sign_in.tenant
    form = ReauthenticateForm(request.POST or None, initial={"next": wanted})
    by_sso = request.sign_in.method == SignInMethod.SSO
    if request.method == "POST" and form.is_valid() and not by_sso:
        try:
            password, source = form.cleaned_data["password"], access.source_of(request)
            passwords.prove_again(person, password, field="password", source=source, now=timezone.now())
        except Refused as refused:
            form.show(refused)
        else:
            return _done(request, safe_next(request, wanted))
    context = {
        "form": form,
        "wanted": safe_next(request, wanted),
        "sso": tenant if by_sso else None,
        "has_password": person.has_usable_password() and not by_sso,
        "has_passkeys": second_factor.factors(person).passkeys > 0 and not by_sso,
    }
    return own(request, "tenants/reauthenticate.html", context, status=422 if form.errors else 200)


def _done(request: OwnRequest, wanted: str) -> HttpResponse:
    now = timezone.now()
    reauth.prove(request.sign_in, now=now)
    people_audit.record("sign_in.again", request.person, by=request.actor, now=now)
    return HttpResponseRedirect(wanted)


@own_page(credentials=True)
@require_POST
def passkey_options(request: OwnRequest) -> HttpResponse:
    return ceremonies.ask(request, passkeys.authentication_options(ceremonies.site_of(request), request.person))


@own_page(credentials=True)
@require_POST
def passkey(request: OwnRequest) -> HttpResponse:
    now = timezone.now()
    try:
        passkeys.prove(
            passkeys.parsed(request.body),
            challenge=ceremonies.challenge(request),
            site=ceremonies.site_of(request),
            user=request.person,
            now=now,
        )
    except Refused as refused:
        return JsonResponse({"detail": sentence(refused)}, status=refused.status)
    reauth.prove(request.sign_in, now=now)
    people_audit.record("sign_in.again", request.person, by=request.actor, now=now)
    return JsonResponse({"next": _next(request)})


def _next(request: HttpRequest) -> str:
    return safe_next(request, request.GET.get("next", ""))
