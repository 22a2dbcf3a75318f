"""What a browser is sent to the provider with: mozilla-django-oidc's request, with PKCE, state and nonce."""

from typing import Any, cast

from django.http import HttpRequest
from mozilla_django_oidc.views import OIDCAuthenticationRequestView

from tenants.oidc.backend import settings_of
from tenants.oidc.client import Client


class AuthenticationRequest(OIDCAuthenticationRequestView):
    """Made anew for each request, for one tenant's provider. `asked` is added to what the provider is asked."""

    def __init__(self, client: Client, **asked: str) -> None:
        self.client = client
        self._settings = settings_of(client)
        self._asked = asked
        super().__init__()

    def get_settings(self, attr: str, *args: Any) -> Any:
        return self._settings[attr] if attr in self._settings or not args else args[0]

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        # Over the library's own, which it makes from the request's Host.
        return {"redirect_uri": self.client.redirect_uri, "response_mode": "query", **self._asked}

    def begin(self, request: HttpRequest) -> tuple[str, str, str, str]:
        """The URL, and its state, nonce and code verifier, which the caller keeps.

        The library would keep them in the session, where tabs at once overwrite each other's and every passer-by gets a
        row: it is given a box of this one attempt instead.
        """
        session, box = request.session, cast(Any, {})
        request.session = box
        try:
            where = self.get(request)["Location"]
        finally:
            request.session = session
        ((state, kept),) = box["oidc_states"].items()
        return self._joined(where), state, kept["nonce"], kept["code_verifier"]

    def _joined(self, where: str) -> str:
        """The library puts a `?` after an endpoint that may have one."""
        endpoint = self.client.metadata.authorization_endpoint
        return where.replace(f"{endpoint}?", f"{endpoint}&", 1) if "?" in endpoint else where
