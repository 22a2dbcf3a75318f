"""What every answer says to a browser, whoever made it: a page, the API, a file, an error, another middleware."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Next = Callable[[HttpRequest], HttpResponse]
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        [
            *(
                f"{name}=()"
                for name in (
                    "accelerometer",
                    "autoplay",
                    "browsing-topics",
                    "camera",
                    "display-capture",
                    "geolocation",
                    "gyroscope",
                    "magnetometer",
                    "microphone",
                    "midi",
                    "payment",
                    "usb",
                )
            ),
            "publickey-credentials-create=(self)",
            "publickey-credentials-get=(self)",
        ]
    ),
}
# Of what is no page: nothing in it is to be run or shown.
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class HeadersMiddleware:
    """The outermost. What a view has said for itself stays."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in always().items():
            response.headers.setdefault(name, value)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def always() -> dict[str, str]:
    found = {**ALWAYS, "Content-Security-Policy": NOTHING}
    if settings.HSTS:
        found["Strict-Transport-Security"] = settings.HSTS
    return found
