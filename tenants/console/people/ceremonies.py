"""A passkey's two requests: the challenge of the first lies in the session until the second, and is good once."""

import time

from django.http import HttpRequest, HttpResponse

from tenants.services.signing_in.passkeys import Asked, NotAccepted, Site

CHALLENGE = "passkey_challenge"
SECONDS = 300


def site_of(request: HttpRequest) -> Site:
    """Of the address in the browser, which Django has held against ALLOWED_HOSTS."""
    host = request.get_host()
    name, colon, port = host.rpartition(":")
    return Site(name if colon and port.isdigit() else host, f"{request.scheme}://{host}")


def ask(request: HttpRequest, asked: Asked) -> HttpResponse:
    request.session[CHALLENGE] = [asked.challenge, int(time.time())]
    return HttpResponse(asked.options, content_type="application/json")


def challenge(request: HttpRequest) -> str:
    """Taken out, whatever comes of it. Raise `NotAccepted`."""
    kept, at = request.session.pop(CHALLENGE, ["", 0])
    if not kept or time.time() - at > SECONDS:
        raise NotAccepted
    return str(kept)
