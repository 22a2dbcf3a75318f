"""What a provider says about itself (OpenID Connect Discovery 1.0, section 3). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tenants.oidc.trouble import Part, ProviderTrouble

# The ones that we verify: asymmetric, so that nobody but the provider can sign. `none` and HS256 never get here.
ALGORITHMS = ("RS256", "ES256")
MOST_URL = 2000
SUFFIX = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Metadata:
    """`pkce`: None where the provider does not say. `names_itself`: its answers carry `iss` (RFC 9207)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    algorithms: tuple[str, ...] = ("RS256",)
    pkce: tuple[str, ...] | None = None
    client_auth: tuple[str, ...] = ("client_secret_basic",)
    names_itself: bool = False
    backchannel_logout: bool = False


def discovery_url(issuer: str) -> str:
    return issuer.rstrip("/") + SUFFIX


def parse(document: object, *, issuer: str) -> Metadata:
    """Raise `ProviderTrouble` naming what is missing or does not fit `issuer`."""
    if not isinstance(document, Mapping):
        raise _trouble("The document is not a JSON object.")
    check_issuer(document, issuer)
    secure = issuer.startswith("https://")
    methods = document.get("code_challenge_methods_supported")
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_url(document, "authorization_endpoint", secure=secure),
        token_endpoint=_url(document, "token_endpoint", secure=secure),
        jwks_uri=_url(document, "jwks_uri", secure=secure),
        userinfo_endpoint=_url(document, "userinfo_endpoint", secure=secure, needed=False),
        end_session_endpoint=_url(document, "end_session_endpoint", secure=secure, needed=False),
        algorithms=_words(document, "id_token_signing_alg_values_supported") or ("RS256",),
        pkce=_words(document, "code_challenge_methods_supported") if methods is not None else None,
        client_auth=_words(document, "token_endpoint_auth_methods_supported") or ("client_secret_basic",),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        backchannel_logout=document.get("backchannel_logout_supported") is True,
    )


def check_issuer(document: Mapping[str, Any], issuer: str) -> None:
    """To the letter: who answers for one issuer must not speak for another (Discovery 4.3)."""
    own = document.get("issuer")
    if own == issuer:
        return
    if isinstance(own, str) and own.rstrip("/") == issuer.rstrip("/"):
        raise _trouble(f"The provider calls itself {own[:300]}: enter it exactly so, slash or not.")
    said = f"“{own[:300]}”" if isinstance(own, str) else "nothing"
    raise _trouble(f"The document names the issuer {said}, not {issuer}.")


def _url(document: Mapping[str, Any], name: str, *, secure: bool, needed: bool = True) -> str:
    """Empty where it is absent and need not be there. An https issuer has https endpoints."""
    value = document.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or not value:
        raise _trouble(f"The document has no {name}.")
    if not is_url(value, secure=secure):
        raise _trouble(f"{name} is not a URL that we would use: {value[:200]!r}.")
    return value


def is_url(value: str, *, secure: bool) -> bool:
    """http(s), a host, no credentials and no fragment; `secure`: https only."""
    if not value.isascii() or not value.isprintable() or " " in value or "\\" in value or len(value) > MOST_URL:
        return False
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    plain = bool(parts.hostname) and parts.username is None and parts.password is None and not parts.fragment
    return plain and parts.scheme in (("https",) if secure else ("https", "http"))


def _words(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name)
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()


def _trouble(sentence: str) -> ProviderTrouble:
    return ProviderTrouble(Part.DISCOVERY, sentence)
