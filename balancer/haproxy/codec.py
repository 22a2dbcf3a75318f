"""The desired state as JSON and back.

Strict: what is unknown, missing or out of range is refused by its field's name.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from .codec_fields import BadState
from .codec_read import Known, read_tenant
from .codec_text import tenant_text
from .codec_write import write_tenant
from .desired import Tenant
from .names import names_in

__all__ = ["BadState", "digest", "digest_of", "from_json", "text", "to_json"]


def to_json(tenant: Tenant) -> dict[str, Any]:
    """Values that `json` can write; enums as their text, tuples as lists."""
    return write_tenant(tenant)


def text(tenant: Tenant) -> str:
    """The canonical JSON of `to_json`: equal states, equal texts."""
    return tenant_text(tenant)


def digest(tenant: Tenant) -> str:
    return digest_of(tenant_text(tenant))


def digest_of(canonical: str) -> str:
    """32 hex characters of the SHA-256 of the canonical JSON: equal states, equal digests."""
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:32]


def from_json(state: Mapping[str, Any], *, names: bool = False, known: Known | None = None) -> Tenant:
    """Read what `to_json` wrote. Raises `BadState`; also, unless `names`, where a server has no address yet. What it
    has in common with `known`, which was read before, is not read again: the values are the same ones."""
    tenant = read_tenant(state, known)
    if not names and names_in(tenant):
        raise BadState("pools", "a name instead of an address")
    return tenant
