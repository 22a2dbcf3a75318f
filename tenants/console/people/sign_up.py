"""Sign up, and the links of mails: confirm an address, set a new password."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tenants.console.forms import ForgotForm, ResetForm, SignUpForm
from tenants.console.page import page
from tenants.console.sentences import sentence
from tenants.errors import Refused
from tenants.models import OneTimeKind, SignInMethod
from tenants.restkit import access
from tenants.services.ask import ask_for_reset
from tenants.services.people import accounts, profiles
from tenants.services.people.accounts import NewAccount
from tenants.services.signing_in import console_sessions, one_time, passwords


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        language = translation.get_language() or settings.LANGUAGE_CODE
        source = access.source_of(request)
        try:
            made = accounts.sign_up(
                NewAccount(**form.cleaned_data), language=language, source=source, now=timezone.now()
            )
        except Refused as refused:
            form.show(refused)
        else:
            if made is None:
                return page(request, "tenants/mailed.html", {"email": form.cleaned_data["email"], "why": "verify"})
            user, tenant = made
            console_sessions.begin(request, user, method=SignInMethod.PASSWORD)
            return redirect("console:overview", tenant.slug)
    context = {"form": form, "open": settings.SIGN_UP_OPEN}
    return page(request, "tenants/signup.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def verify(request: HttpRequest, secret: str) -> HttpResponse:
    """By a button: what reads mails ahead opens links, and presses none."""
    now = timezone.now()
    try:
        token = one_time.find(secret, OneTimeKind.VERIFY_EMAIL, OneTimeKind.CHANGE_EMAIL, now=now)
        if request.method == "POST":
            profiles.verify(secret, source=access.source_of(request), now=now)
            messages.success(request, _("%(email)s is confirmed.") % {"email": token.email})
            return redirect("account:login")
    except Refused as refused:
        return page(request, "tenants/verify.html", {"problem": sentence(refused)}, status=refused.status)
    return page(request, "tenants/verify.html", {"token": token, "moves": token.kind == OneTimeKind.CHANGE_EMAIL})


@never_cache
@require_http_methods(["GET", "POST"])
def forgot(request: HttpRequest) -> HttpResponse:
    """The same answer for every address, and the work is a worker's."""
    form = ForgotForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        ask_for_reset(email, source=access.source_of(request), language=translation.get_language())
        return page(request, "tenants/mailed.html", {"email": email, "why": "reset"})
    return page(request, "tenants/forgot.html", {"form": form}, status=422 if form.errors else 200)


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def reset(request: HttpRequest, secret: str) -> HttpResponse:
    form, now = ResetForm(request.POST or None), timezone.now()
    try:
        token = one_time.find(secret, OneTimeKind.RESET_PASSWORD, now=now)
    except Refused as refused:
        return page(request, "tenants/reset.html", {"problem": sentence(refused)}, status=refused.status)
    if request.method == "POST" and form.is_valid():
        try:
            passwords.reset(secret, form.cleaned_data["password"], source=access.source_of(request), now=now)
        except Refused as refused:
            form.show(refused)
        else:
            console_sessions.finish(request)
            messages.success(request, _("Your password is set. Sign in with it."))
            return redirect("account:login")
    context = {"form": form, "email": token.user.email}
    return page(request, "tenants/reset.html", context, status=422 if form.errors else 200)
