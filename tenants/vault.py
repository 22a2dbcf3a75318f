"""Secrets at rest: AES-256-GCM, bound to where they belong, under keys that rotate.

A sealed text names its key (`v1.<key id>.<nonce and ciphertext>`), so that the first of `VELOFLUX_ENCRYPTION_KEYS`
seals and every one of them opens. `about` says where the secret belongs (`sso_provider.client_secret:<id>`) and is
authenticated: a sealed text that is moved to another row or column does not open.
"""

import base64
import binascii
import hashlib
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

VERSION = "v1"
NONCE_BYTES = 12


class CannotOpen(Exception):
    """No key of ours fits, or the text was altered or moved."""


def seal(plain: str, *, about: str) -> str:
    """Encrypt with the newest key. An empty secret stays empty."""
    if not plain:
        return ""
    key_id, cipher = _ciphers()[0]
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = nonce + cipher.encrypt(nonce, plain.encode(), about.encode())
    return f"{VERSION}.{key_id}.{base64.urlsafe_b64encode(sealed).decode()}"


def unseal(sealed: str, *, about: str) -> str:
    """Raise `CannotOpen`."""
    if not sealed:
        return ""
    version, _, rest = sealed.partition(".")
    key_id, _, text = rest.partition(".")
    cipher = dict(_ciphers()).get(key_id)
    if version != VERSION or cipher is None:
        raise CannotOpen(f"Sealed with the key {key_id or '?'}, which is none of VELOFLUX_ENCRYPTION_KEYS.")
    try:
        raw = base64.urlsafe_b64decode(text)
        return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], about.encode()).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise CannotOpen("The sealed text was altered, or belongs elsewhere.") from error


def is_newest(sealed: str) -> bool:
    """Whether the newest key sealed it; what is not is for `rotate_keys`."""
    return not sealed or sealed.startswith(newest_prefix())


def newest_prefix() -> str:
    """How every text begins that the newest key seals."""
    return f"{VERSION}.{_ciphers()[0][0]}."


def _ciphers() -> tuple[tuple[str, AESGCM], ...]:
    return _of(tuple(settings.ENCRYPTION_KEYS))


@lru_cache(maxsize=4)
def _of(keys: tuple[str, ...]) -> tuple[tuple[str, AESGCM], ...]:
    found = []
    for text in keys:
        raw = base64.urlsafe_b64decode(text)
        found.append((hashlib.sha256(raw).hexdigest()[:8], AESGCM(raw)))
    return tuple(found)
