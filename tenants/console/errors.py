"""Pages for what went wrong: the same header as everywhere, one sentence, and the way on."""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from tenants.console.page import page
from tenants.console.sentences import sentence
from tenants.errors import Refused
from tenants.restkit import problems, refusing
from tenants.restkit.request_ids import request_id
from tenants.restkit.way_back import page_of


@dataclass(frozen=True, slots=True)
class Trouble:
    title: Promise
    detail: Promise


TROUBLES = {
    400: Trouble(
        gettext_lazy("That request made no sense to us"),
        gettext_lazy("Go back, reload the page and try again."),
    ),
    403: Trouble(
        gettext_lazy("Your role does not include this"),
        gettext_lazy("An owner or an admin of this tenant can change your role."),
    ),
    404: Trouble(
        gettext_lazy("There is nothing here"),
        gettext_lazy("It may have been deleted, or it belongs to a tenant that you are not a member of."),
    ),
    405: Trouble(
        gettext_lazy("There is nothing to look at here"),
        gettext_lazy("This address only takes what a page sends. Nothing was changed."),
    ),
    500: Trouble(
        gettext_lazy("Something broke on our side"),
        gettext_lazy("Your traffic is not affected. Try again; if it stays, tell us the request below."),
    ),
    429: Trouble(
        gettext_lazy("That was too often"),
        gettext_lazy("Wait a minute, then try again. Nothing was changed."),
    ),
    503: Trouble(
        gettext_lazy("The console is short of a part just now"),
        gettext_lazy("Your traffic keeps flowing and nothing was changed. Try again in a moment."),
    ),
}
TOO_OLD = Trouble(
    gettext_lazy("This page was open for too long"),
    gettext_lazy("You signed in or out since, perhaps in another tab. Open it again and send it once more."),
)


class MethodMiddleware:
    """A page, where a view takes no such request: who comes back to a form's own address sees more than nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.content or problems.is_api(request):
            return response
        said = trouble_page(request, 405)
        said.headers["Allow"] = response.headers["Allow"]
        return said


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return trouble_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return trouble_page(request, 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return trouble_page(request, 404)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """`settings.CSRF_FAILURE_VIEW`."""
    return trouble_page(request, 403, trouble=TOO_OLD, again=page_of(request))


def broken(request: HttpRequest) -> HttpResponse:
    """No query here: the database may be what broke."""
    if problems.is_api(request):
        return problems.answer(500, "internal", str(TROUBLES[500].detail))
    trouble = TROUBLES[500]
    context = {"status": 500, "title": trouble.title, "detail": trouble.detail, "request_id": request_id()}
    return render(request, "console/broken.html", context, status=500)


def unavailable(request: HttpRequest) -> HttpResponse:
    response = trouble_page(request, 503)
    response.headers["Retry-After"] = str(problems.RETRY_SECONDS)
    return response


def throttled(request: HttpRequest) -> HttpResponse:
    """`settings.THROTTLED_PAGE`."""
    return trouble_page(request, 429)


def refused_page(request: HttpRequest, refused: Refused) -> HttpResponse:
    """A refusal that no form of the page could show."""
    refusing.note(request, status=refused.status, code=refused.code, detail=refused.detail)
    return trouble_page(request, refused.status, sentence(refused))


def trouble_page(
    request: HttpRequest, status: int, detail: str = "", *, trouble: Trouble | None = None, again: str = ""
) -> HttpResponse:
    """`again`: the page to open once more."""
    trouble = trouble or _of(status)
    if problems.is_api(request):
        return problems.answer(status, str(status), detail or str(trouble.detail))
    context = {"status": status, "title": trouble.title, "detail": detail or trouble.detail, "again": again}
    return page(request, "console/trouble.html", context, status=status)


def _of(status: int) -> Trouble:
    return TROUBLES.get(status, TROUBLES[400 if status < 500 else 500])
