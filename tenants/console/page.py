"""Render a page inside the console's frame."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tenants.console import menu
from tenants.models import Tenant, Theme
from tenants.queries import people
from tenants.restkit import access
from tenants.restkit.request_ids import request_id
from tenants.roles import Verb
from tenants.services.signing_in import second_factor

THEME_COOKIE = "theme"
SWITCHER_MOST = 50
# What apps above say on every page of a tenant.
THEN: "list[Callable[[HttpRequest, Tenant], dict[str, Any]]]" = []


def page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    return render(request, template, {**frame(request), **(context or {})}, status=status)


def frame(request: HttpRequest) -> dict[str, Any]:
    """What the header and the menu show. One query, of the tenants to switch to, and what apps above ask."""
    found = access.of(request)
    user = found.caller.user if found.caller else None
    more = [then(request, found.tenant) for then in THEN] if found.tenant else []
    return {
        "tenant": found.tenant,
        "role": found.role,
        "rights": {verb.value for verb in Verb if found.may(verb)},
        "menu": menu.shown(request),
        "person": user,
        "impersonation": found.caller.impersonation if found.caller else None,
        "tenants": to_switch_to(found.caller),
        "by_sso": found.caller is not None and found.caller.is_by_sso,
        "factor_from": second_factor.announced(found.tenant, found.caller.sign_in if found.caller else None),
        "theme": theme_of(request),
        "languages": settings.LANGUAGES,
        "here": request.get_full_path() if request.method == "GET" else request.path,
        "request_id": request_id(),
        "demo": settings.DEMO,
        **{name: value for said in more for name, value in said.items()},
    }


def to_switch_to(caller: access.Caller | None) -> list[Tenant]:
    if caller is None:
        return []
    rows = people.memberships(caller.user.pk, most=SWITCHER_MOST, only=caller.tenant_id)
    return [row.tenant for row in rows]


def theme_of(request: HttpRequest) -> str:
    """The account's, else the cookie's; anything else is `auto`, which CSS decides by itself."""
    caller = access.of(request).caller
    chosen = caller.user.theme if caller else request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in Theme.values else Theme.AUTO.value
