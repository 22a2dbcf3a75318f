"""Open a provider's token: signature by one of its keys, algorithm from our list, then its claims (`checks`)."""

from collections.abc import Mapping
from typing import Any

import jwt
from jwt.types import Options

from tenants.lines import is_storable
from tenants.oidc import keys
from tenants.oidc.client import Client
from tenants.oidc.trouble import Part, ProviderTrouble

MOST = 64 * 1024
# The times and names are ours to check, against the time that we are given.
UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


def opened(token: object, client: Client, part: Part) -> tuple[dict[str, Any], str]:
    """Its claims, and the algorithm that signed them. Raise `ProviderTrouble`."""
    text, header = _header(token, part)
    key = keys.find(client, header)
    return verified(text, key, part), str(header["alg"])


def verified(token: str, key: jwt.PyJWK, part: Part) -> dict[str, Any]:
    """Raise `ProviderTrouble`."""
    try:
        found = jwt.decode(token, key.key, algorithms=[key.algorithm_name], options=UNCHECKED)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise ProviderTrouble(part, "Its signature does not fit the provider's key.") from error
    if not is_storable(found):
        raise ProviderTrouble(part, "It holds characters that are none.")
    return dict(found)


def _header(token: object, part: Part) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(token, str) or not token or len(token) > MOST:
        raise ProviderTrouble(part, "It is missing, or too long.")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError) as error:
        raise ProviderTrouble(part, "It is not a signed JSON Web Token.") from error
    if "crit" in header:
        raise ProviderTrouble(part, "It asks for an extension that we do not know.")
    return token, header
