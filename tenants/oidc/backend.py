"""mozilla-django-oidc's flow, for one tenant's provider, made anew for each request.

The library builds the requests, keeps their order, and compares the nonce. What it leaves open is closed here (stack.md
5): every request goes by `tenants.outbound` with a timeout; signature algorithms are ours; issuer, audience, times and
the subject of userinfo are checked; nobody is looked up by their e-mail address.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from tenants.oidc import checks, claims, tokens
from tenants.oidc.claims import Who
from tenants.oidc.client import Client
from tenants.oidc.discovery import MOST_BYTES, SECONDS, fetched_json, json_of
from tenants.oidc.trouble import Part, ProviderTrouble
from tenants.outbound import http
from tenants.outbound.guard import Unreachable
from tenants.outbound.http import Answer

CALLBACK = "account:sso-callback"


def settings_of(client: Client) -> dict[str, object]:
    """What the library would read from Django's settings."""
    return {
        "OIDC_OP_AUTHORIZATION_ENDPOINT": client.metadata.authorization_endpoint,
        "OIDC_OP_TOKEN_ENDPOINT": client.metadata.token_endpoint,
        "OIDC_OP_USER_ENDPOINT": client.metadata.userinfo_endpoint,
        "OIDC_OP_JWKS_ENDPOINT": client.metadata.jwks_uri,
        "OIDC_RP_CLIENT_ID": client.client_id,
        "OIDC_RP_CLIENT_SECRET": client.client_secret,
        "OIDC_RP_SCOPES": client.scopes,
        "OIDC_RP_SIGN_ALGO": "RS256",  # “by the provider's keys”: `tokens` decides which algorithm
        "OIDC_AUTHENTICATION_CALLBACK_URL": CALLBACK,
        "OIDC_USE_NONCE": True,
        "OIDC_USE_PKCE": True,
        "OIDC_PKCE_CODE_CHALLENGE_METHOD": "S256",
    }


class Backend(OIDCAuthenticationBackend):
    """`authenticate(request, nonce=…, code_verifier=…)` answers `Who`: whether they get in is the service's to say.

    Raise `ProviderTrouble`. `id_token` is there afterwards: signing out hands it back.
    """

    def __init__(
        self, client: Client, *, group_claim: str, now: datetime, proven_since: datetime | None = None
    ) -> None:
        self.client = client
        self.id_token = ""
        self._group_claim = group_claim
        self._now = now
        self._proven_since = proven_since
        self._settings = settings_of(client)
        super().__init__()

    def get_settings(self, attr: str, *args: Any) -> Any:
        return self._settings[attr] if attr in self._settings or not args else args[0]

    def authenticate(self, request: Any, **kwargs: Any) -> Who:
        found = super().authenticate(request, **kwargs)
        if not isinstance(found, Who):
            raise ProviderTrouble(Part.EXCHANGE, "The provider's answer holds no code.")
        return found

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Exchange the code. The redirect URI is ours, not what the request's Host makes of it."""
        sent = {**payload, "redirect_uri": self.client.redirect_uri}
        answer = exchanged(self.client, sent)
        if answer.status != 200:
            raise ProviderTrouble(Part.EXCHANGE, f"The provider refuses the code: {error_of(answer)}.")
        found = json_of(answer, Part.EXCHANGE)
        tokens_given = [found.get("access_token"), found.get("id_token")]
        if not all(isinstance(one, str) and one.isascii() and one.isprintable() for one in tokens_given):
            raise ProviderTrouble(Part.EXCHANGE, "The answer lacks the ID token or the access token.")
        return found

    def verify_token(self, token: Any, **kwargs: Any) -> dict[str, Any]:
        """The ID token's claims, each of them checked."""
        found, self._algorithm = tokens.opened(token, self.client, Part.IDENTITY)
        checks.id_token(found, self._expected(str(kwargs.get("nonce") or "")))
        return found

    def store_tokens(self, access_token: Any, id_token: Any) -> None:
        self.id_token = str(id_token)

    def get_or_create_user(self, access_token: str, id_token: str, payload: Mapping[str, Any]) -> Who:
        checks.access_token_hash(payload, access_token, self._algorithm)
        info = self.get_userinfo(access_token, id_token, payload)
        return claims.who(payload, info, group_claim=self._group_claim)

    def get_userinfo(self, access_token: str, id_token: str, payload: Mapping[str, Any]) -> dict[str, Any] | None:
        """None where the provider has no such endpoint."""
        if not self.client.metadata.userinfo_endpoint:
            return None
        bearer = {"Authorization": f"Bearer {access_token}"}
        found = fetched_json(self.client.metadata.userinfo_endpoint, Part.USERINFO, headers=bearer)
        checks.same_subject(payload, found)
        return found

    def _expected(self, nonce: str) -> checks.Expected:
        if not nonce:  # an empty one would equal a claim that is empty too
            raise ProviderTrouble(Part.IDENTITY, "Its nonce is not the one of this sign-in.")
        return checks.Expected(
            self.client.issuer, self.client.client_id, self._now, nonce=nonce, proven_since=self._proven_since
        )


def exchanged(client: Client, payload: Mapping[str, Any]) -> Answer:
    """Ask the token endpoint, as this client. Raise `ProviderTrouble` when it does not answer."""
    form = {name: str(value) for name, value in payload.items() if name != "client_secret"}
    methods, auth = client.metadata.client_auth, None
    if client.client_secret and ("client_secret_basic" in methods or "client_secret_post" not in methods):
        # Each part form-encoded first (RFC 6749 2.3.1).
        auth = (quote(client.client_id, safe=""), quote(client.client_secret, safe=""))
    elif client.client_secret:
        form["client_secret"] = client.client_secret
    try:
        return http.post(client.metadata.token_endpoint, data=form, auth=auth, timeout=SECONDS, most_bytes=MOST_BYTES)
    except Unreachable as error:
        raise ProviderTrouble(Part.EXCHANGE, error.sentence) from error


def error_of(answer: Answer) -> str:
    """OAuth's own word for it (`invalid_grant`); else the status."""
    try:
        found = answer.json()
    except Unreachable:
        return f"status {answer.status}"
    word = found.get("error") if isinstance(found, dict) else None
    return word[:60] if isinstance(word, str) and word.isascii() and word.isprintable() else f"status {answer.status}"
