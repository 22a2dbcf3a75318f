"""Which page to look at again: a form's own address may take what is sent, and show nothing."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def page_of(request: HttpRequest) -> str:
    """The page that was asked for, or the one whose form was sent; without a word from the browser, its address."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    came_from = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(
        came_from, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    if not ours:
        return request.path
    parts = urlsplit(came_from)
    path = "/" + parts.path.lstrip("/")  # two slashes would begin a host
    return f"{path}?{parts.query}" if parts.query else path
