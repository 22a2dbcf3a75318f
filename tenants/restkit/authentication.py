"""Hand DRF what the middleware found, and hold sessions to their CSRF token."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from tenants.models import User
from tenants.restkit import access
from tenants.restkit.errors import CHALLENGE


class Credential(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, access.Access] | None:
        found = access.of(request._request)
        if found.refused is not None:
            raise found.refused
        if found.caller is None:
            return None
        if found.caller.through == "session":
            SessionAuthentication().enforce_csrf(request)
        return found.caller.user, found

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


class CredentialSchema(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "tenants.restkit.authentication.Credential"
    name = ["bearer", "basic", "session"]

    def get_security_definition(self, auto_schema: object) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer", "description": "An access token, or an API key `vf_…`."},
            {"type": "http", "scheme": "basic", "description": "E-mail and password."},
            {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        ]
