"""The pages around a single sign-on: ask for the company, lead to its sign-in, say what went wrong there."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from tenants.console.page import page
from tenants.console.sentences import sentence
from tenants.console.views import safe_next
from tenants.errors import Refused
from tenants.models import Tenant
from tenants.queries import directory
from tenants.queries import sso as sso_queries
from tenants.restkit.throttles import Class
from tenants.visitors import LAST_SSO

MOST_NAME = 40
View = Callable[..., HttpResponse]


def by_address(view: View) -> View:
    """Nobody guesses anything at these doors, and whole offices come by one address: counted as the API is."""
    vars(view)["throttle_class_name"] = Class.API
    return view


@never_cache
@require_GET
def ask(request: HttpRequest) -> HttpResponse:
    """Which company? The one of the last time is offered."""
    wanted = safe_next(request, request.GET.get("next", ""), default="")
    named = request.GET.get("company", "").strip().lower()
    if named:
        return redirect(door_url(named, wanted))
    last = _known(request.COOKIES.get(LAST_SSO, ""))
    return page(request, "tenants/sso_ask.html", {"last": last, "next": wanted})


@never_cache
@require_GET
def door(request: HttpRequest, tenant: str) -> HttpResponse:
    """One company's own door: the page to bookmark. It tells no name that was not in the address."""
    found = _known(tenant)
    if found is None:
        return unknown_company(request, tenant)
    wanted = safe_next(request, request.GET.get("next", ""), default="")
    return page(request, "tenants/sso_door.html", {"company": found.slug, "next": wanted})


def door_url(slug: str, wanted: str) -> str:
    query = f"?{urlencode({'next': wanted})}" if wanted else ""
    return reverse("account:sso-door", args=[slug[:MOST_NAME].replace("/", "") or "-"]) + query


def unknown_company(request: HttpRequest, named: str) -> HttpResponse:
    """The same whether there is no such tenant, or one without a sign-in of its own."""
    context = {"unknown": named[:MOST_NAME], "next": ""}
    return page(request, "tenants/sso_ask.html", context, status=404)


def leave(request: HttpRequest, where: str) -> HttpResponse:
    """On to the provider, from a form: the policy lets a form lead to pages of ours only, redirects included."""
    response = page(request, "tenants/sso_leave.html", {"where": where})
    response.headers["Cache-Control"] = "no-store"
    return response


def problem(request: HttpRequest, refused: Refused, tenant: Tenant | None = None) -> HttpResponse:
    """What to do about it; what the provider said stays in the tenant's audit log."""
    company = tenant.slug if tenant else ""
    # `here`: this page's own address holds what the provider sent.
    here = reverse("account:sso-door", args=[company]) if company else reverse("account:login")
    context = {"sentence": sentence(refused), "company": company, "code": refused.code, "here": here}
    response = page(request, "tenants/sso_problem.html", context, status=refused.status)
    if refused.status == 503:
        response.headers["Retry-After"] = "30"
    return response


class NotUnderstood(Refused):
    def __init__(self) -> None:
        detail = (
            "Your company's sign-in answered in a way that we do not accept. Try again; if it stays, tell an admin: "
            "the audit log says why."
        )
        super().__init__(detail, "sso_answer", 400)


class NotReached(Refused):
    def __init__(self) -> None:
        detail = (
            "Your company's sign-in cannot be reached just now. Try again in a moment; owners can use their password."
        )
        super().__init__(detail, "sso_unreachable", 503)


class RefusedThere(Refused):
    def __init__(self) -> None:
        detail = "Your company's sign-in did not let you in, or you cancelled it. Try again, or ask an admin."
        super().__init__(detail, "sso_refused_there", 403)


def _known(slug: str) -> Tenant | None:
    found = directory.by_name(slug) if slug else None
    return found if found is not None and sso_queries.enabled_provider(found) is not None else None
