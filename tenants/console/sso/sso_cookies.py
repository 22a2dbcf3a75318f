"""What a browser keeps of a single sign-on: a secret for each attempt under way, and where it last signed in."""

import hashlib

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenants.services.sso.sso_attempts import SECONDS
from tenants.visitors import LAST_SSO

LAST_SECONDS = 30 * 86400
MOST_AT_ONCE = 10


def give(response: HttpResponse, request: HttpRequest, state: str, secret: str) -> None:
    """One cookie for each attempt: tabs at once do not overwrite each other's."""
    under_way = [name for name in request.COOKIES if name.startswith(_prefix())]
    for name in under_way[MOST_AT_ONCE - 1 :]:
        response.delete_cookie(name, path=_path())
    response.set_cookie(
        _name(state),
        secret,
        max_age=SECONDS,
        path=_path(),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def shown(request: HttpRequest, state: str) -> str:
    return str(request.COOKIES.get(_name(state), ""))


def take_back(response: HttpResponse, state: str) -> None:
    response.delete_cookie(_name(state), path=_path())


def remember(response: HttpResponse, slug: str) -> None:
    response.set_cookie(
        LAST_SSO, slug, max_age=LAST_SECONDS, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )


def forget(response: HttpResponse) -> None:
    response.delete_cookie(LAST_SSO)


def _prefix() -> str:
    """`__Host-`: no other host of the same domain can plant one. It needs https and the path /."""
    return "__Host-sso-" if settings.SESSION_COOKIE_SECURE else "sso-"


def _path() -> str:
    return "/" if settings.SESSION_COOKIE_SECURE else "/auth/oidc"


def _name(state: str) -> str:
    return _prefix() + hashlib.sha256(state.encode(errors="replace")).hexdigest()[:20]
