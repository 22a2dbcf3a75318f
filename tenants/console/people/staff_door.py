"""Staff sign in where everybody does: Django admin's own form knows no second factor, no lockout and no sign-ins."""

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from tenants.console.errors import forbidden
from tenants.console.views import safe_next
from tenants.restkit import access
from tenants.services.signing_in import console_sessions


def sign_in(request: HttpRequest) -> HttpResponse:
    caller = access.of(request).caller
    wanted = safe_next(request, request.GET.get("next", ""), default="/staff/")
    if caller is None:
        return redirect_to_login(wanted, settings.LOGIN_URL)
    return redirect(wanted) if caller.user.is_staff else forbidden(request)


def sign_out(request: HttpRequest) -> HttpResponse:
    """By POST, as Django admin's button does."""
    if request.method == "POST":
        console_sessions.finish(request)
    return redirect("account:login")
