"""Say whose data a request is about, once, before anything asks the database.

Synchronous on purpose: under ASGI the whole chain then runs in one thread hop, and the scope, a ContextVar, goes with
it into threads and back.
"""

import re
from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.views import redirect_to_login
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from redis.exceptions import RedisError

from tenants.errors import Refused
from tenants.models import Tenant, User
from tenants.restkit import access, credentials, seen_as
from tenants.restkit.problems import unavailable
from tenants.restkit.way_back import page_of
from tenants.scope import platform_scope, tenant_scope
from tenants.services.signing_in.second_factor import SecondFactorRequired
from tenants.services.trail import staff_access
from tenants.visitors import LAST_SSO

TENANT_PATH = re.compile(r"^/(?:api/tenants|(?P<pages>t))/(?P<tenant>[^/]+)")
Next = Callable[[HttpRequest], HttpResponse]


class ScopeMiddleware:
    """Everything before the tenant is known (sessions, users, memberships) lies in shared tables."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with platform_scope():
            return self.get_response(request)


class LanguageMiddleware:
    """The account's language, else the chosen cookie, else what the browser prefers."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = translation.get_language_from_request(request)
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", request.LANGUAGE_CODE or language)
        return response


class PersonMiddleware(AuthenticationMiddleware):
    """`request.user` from the session's sign-in: what ended, is idle or has an older password is nobody's."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: credentials.person_of(request))  # type: ignore[assignment]


class TenantMiddleware:
    """Find who asks (`request.access`) and for which tenant (`request.tenant`, None without), and work on it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = TENANT_PATH.match(request.path_info)
        try:
            found = _decide(request, path["tenant"] if path else None)
            _note_staff(request, found)
        except (OperationalError, InterfaceError, RedisError):  # Redis counts attempts to sign in
            return unavailable()
        request.access = found  # type: ignore[attr-defined]
        request.tenant = found.tenant  # type: ignore[attr-defined]
        if (refusal := seen_as.refusal(request, found)) is not None:
            return refusal
        if path and path["pages"] and found.tenant is None:
            return _no_page(request, found, path["tenant"])
        _prefer_language(request, found)
        if found.tenant is None:
            return self.get_response(request)
        if path and path["pages"] and path["tenant"] not in (found.tenant.slug, found.tenant.pk):
            return _at_its_new_name(request, path["tenant"], found.tenant)
        with tenant_scope(found.tenant):
            return self.get_response(request)


def _decide(request: HttpRequest, named: str | None) -> access.Access:
    host = request.get_host().rpartition(":")[0] if ":" in request.get_host() else request.get_host()
    try:
        caller = credentials.caller_of(request, now=timezone.now())
    except Refused as refused:
        return access.Access(None, problem=refused, refused=refused)
    return access.decide(caller, named=named, host=host.lower())


def _at_its_new_name(request: HttpRequest, former: str, tenant: Tenant) -> HttpResponse:
    """A page of before: the browser goes there, with what it was about to send."""
    url = request.get_full_path().replace(f"/t/{former}", f"/t/{tenant.slug}", 1)
    return HttpResponseRedirect(url, status=302 if request.method in ("GET", "HEAD") else 307)


def _no_page(request: HttpRequest, found: access.Access, named: str) -> HttpResponse:
    """Sign in; where the tenant's own provider signed this browser in before, without a word if that still knows it."""
    wanted = page_of(request)
    if found.caller is None:
        if request.method == "GET" and request.COOKIES.get(LAST_SSO) == named and "HX-Request" not in request.headers:
            return HttpResponseRedirect(f"/auth/oidc/login/{named}?{urlencode({'silent': 1, 'next': wanted})}")
        return redirect_to_login(wanted, settings.LOGIN_URL)
    if isinstance(found.problem, access.SsoRequired):
        return HttpResponseRedirect(f"{found.problem.extra['url']}?{urlencode({'next': wanted})}")
    if isinstance(found.problem, SecondFactorRequired):
        return HttpResponseRedirect(str(found.problem.extra["url"]))
    raise Http404


def _note_staff(request: HttpRequest, found: access.Access) -> None:
    if found.tenant is None or found.caller is None or not found.caller.user.is_staff:
        return
    by, what = found.actor(access.address_of(request)), f"{request.method} {request.path_info}"
    staff_access.note(what, by=by, tenant=found.tenant, now=timezone.now())


def _prefer_language(request: HttpRequest, found: access.Access) -> None:
    user = found.caller.user if found.caller else None
    if isinstance(user, User) and user.language:
        translation.activate(user.language)
        request.LANGUAGE_CODE = user.language
