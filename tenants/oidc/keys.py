"""The keys that a provider signs with: kept for an hour, fetched anew for a key id that is not among them.

At most once a minute for one tenant: whoever sends us tokens with invented key ids makes us ask no more often; and for
ten seconds not at all where they could not be had. Kept by tenant, so that none of them can hold back another's.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import jwt
from django.core.cache import cache

from tenants.oidc.client import Client
from tenants.oidc.discovery import fetched_json
from tenants.oidc.trouble import Part, ProviderTrouble

SECONDS = 3600
AGAIN_SECONDS = 60
FAILED_SECONDS = 10
LEAST_RSA_BITS = 2048
KEY_TYPES = {"RS256": ("RSA", None), "ES256": ("EC", "P-256")}


def find(client: Client, header: Mapping[str, Any]) -> jwt.PyJWK:
    """The key that a token's header names, for an algorithm of ours. Raise `ProviderTrouble`."""
    algorithm = header.get("alg")
    if algorithm not in client.algorithms:
        ours = ", ".join(client.algorithms) or "none of ours"
        raise ProviderTrouble(Part.IDENTITY, f"It is signed with {str(algorithm)[:20]!r}, not with one of: {ours}.")
    kid = header.get("kid")
    found = _fitting(kept(client), algorithm, kid)
    if found is None and cache.add(_name(client, "asked"), 1, AGAIN_SECONDS):
        found = _fitting(fetch(client), algorithm, kid)
    if found is None:
        raise ProviderTrouble(Part.KEYS, "None of the provider's keys fits this token.")
    return found


def kept(client: Client) -> Sequence[Mapping[str, Any]]:
    here: Sequence[Mapping[str, Any]] | None = cache.get(_name(client, "keys"))
    if here is not None:
        return here
    failed: str | None = cache.get(_name(client, "failed"))
    if failed is not None:
        raise ProviderTrouble(Part.KEYS, failed)
    cache.set(_name(client, "asked"), 1, AGAIN_SECONDS)
    try:
        return fetch(client)
    except ProviderTrouble as trouble:
        cache.set(_name(client, "failed"), trouble.sentence, FAILED_SECONDS)
        raise


def fetch(client: Client) -> list[Mapping[str, Any]]:
    """Raise `ProviderTrouble`."""
    listed = fetched_json(client.metadata.jwks_uri, Part.KEYS).get("keys")
    if not isinstance(listed, list):
        raise ProviderTrouble(Part.KEYS, "The provider's key set has no “keys”.")
    found = [key for key in listed if isinstance(key, Mapping)]
    cache.set(_name(client, "keys"), found, SECONDS)
    return found


def usable(keys: Sequence[Mapping[str, Any]], algorithm: str) -> list[jwt.PyJWK]:
    """Those that could sign with it. A key of another kind, or a weak one, is passed over."""
    kind, curve = KEY_TYPES[algorithm]
    found = []
    for key in keys:
        fits = key.get("kty") == kind and key.get("crv") == curve if curve else key.get("kty") == kind
        if fits and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm:
            made = _made(key, algorithm)
            if made is not None:
                found.append(made)
    return found


def _fitting(keys: Sequence[Mapping[str, Any]], algorithm: str, kid: object) -> jwt.PyJWK | None:
    """A token may leave `kid` out where there is only one key it could mean (OpenID Connect Core 10.1)."""
    able = usable(keys, algorithm)
    if kid is None:
        return able[0] if len(able) == 1 else None
    named = [key for key in able if key.key_id == kid]
    return named[0] if named else None


def _made(key: Mapping[str, Any], algorithm: str) -> jwt.PyJWK | None:
    if "d" in key:
        return None  # a private key that is published is nobody's any more
    try:
        made = jwt.PyJWK(dict(key), algorithm=algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    weak = algorithm == "RS256" and getattr(made.key, "key_size", 0) < LEAST_RSA_BITS
    return None if weak else made


def _name(client: Client, what: str) -> str:
    where = hashlib.sha256(client.metadata.jwks_uri.encode()).hexdigest()[:32]
    return f"sso:{what}:{client.tenant_id}:{where}"
