"""From a provider's claims to who somebody is, and to what the tenant's rules make of them. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenants.lines import is_line
from tenants.roles import Role

MOST_EMAIL = 254
# ASCII, one @, no quotes: `a@b.test@acme.test` is in no domain, and `.lower()` makes another person's letters of some
# that are not ASCII (the Kelvin sign is a k).
EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}"
)
MOST_NAME = 80
MOST_GROUPS = 1000
# Of several roles that a person's groups map to, the first of these.
WIDEST_FIRST = (Role.OWNER, Role.ADMIN, Role.OPERATOR, Role.BILLING, Role.VIEWER)


@dataclass(frozen=True, slots=True)
class Who:
    """`groups` is None where the provider said nothing about them. `proven_at`: epoch seconds, where it says."""

    issuer: str
    subject: str
    email: str = ""
    email_verified: bool = False
    first_name: str = ""
    last_name: str = ""
    groups: tuple[str, ...] | None = None
    session: str = ""
    proven_at: float | None = None
    second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """A tenant's. `owner_vouches`: an owner saved them, as they are."""

    default_role: Role = Role.VIEWER
    group_roles: Mapping[str, Role] = field(default_factory=dict)
    allowed_domains: Sequence[str] = ()
    create_members: bool = False
    link_by_email: bool = False
    owner_vouches: bool = False


def who(id_claims: Mapping[str, Any], userinfo: Mapping[str, Any] | None, *, group_claim: str) -> Who:
    """The address and whether it is verified are of one source: userinfo where it has one, else the ID token."""
    info = userinfo or {}
    person = info if "email" in info else id_claims
    email = person.get("email")
    known = isinstance(email, str) and len(email) <= MOST_EMAIL and EMAIL.fullmatch(email) is not None
    stated = id_claims.get("amr")
    session = id_claims.get("sid")
    return Who(
        issuer=str(id_claims["iss"]),
        subject=str(id_claims["sub"]),
        email=str(email).lower() if known else "",
        email_verified=known and person.get("email_verified") is True,
        first_name=_name(info, id_claims, "given_name") or _name(info, id_claims, "name"),
        last_name=_name(info, id_claims, "family_name"),
        groups=groups(info, group_claim) if groups(info, group_claim) is not None else groups(id_claims, group_claim),
        session=session[:255] if isinstance(session, str) else "",
        proven_at=_seconds(id_claims.get("auth_time")),
        second_factor=isinstance(stated, list) and "mfa" in stated,
    )


def groups(claims: Mapping[str, Any], claim: str) -> tuple[str, ...] | None:
    """By the claim's own name, or by a path (`realm_access.roles`). None: the claim is not there, or is no list."""
    found: Any = claims.get(claim)
    if found is None:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return (found,)
    if not isinstance(found, list):
        return None
    return tuple(name for name in found[:MOST_GROUPS] if isinstance(name, str))


def mapped_role(of: Who, rules: Rules) -> Role | None:
    """The widest role that one of their groups is mapped to, by its exact name; a group's name alone gives none.

    Owner only where an owner saved that very map.
    """
    roles = {rules.group_roles[name] for name in of.groups or () if name in rules.group_roles}
    if not rules.owner_vouches:
        roles.discard(Role.OWNER)
    return next((role for role in WIDEST_FIRST if role in roles), None)


def next_role(now: Role, *, mapped: Role | None, before: Role | None, of: Who, rules: Rules) -> Role:
    """What a member is after signing in. `before` is what the map gave the last time, if it did.

    The map takes only what it gave: without a mapped group, a role that somebody gave by hand stays. An owner changes
    only where owners come from the map.
    """
    if now is Role.OWNER and Role.OWNER not in rules.group_roles.values():
        return now
    if mapped is not None:
        return mapped
    return rules.default_role if of.groups is not None and before is now else now


def in_domain(of: Who, rules: Rules) -> bool:
    """With domains named, only by an address that is verified and in one of them (a subdomain is another)."""
    if not rules.allowed_domains:
        return True
    return of.email_verified and of.email.rpartition("@")[2] in {name.lower() for name in rules.allowed_domains}


def _seconds(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11
    return float(value) if isinstance(value, int | float) and usable else None


def _name(info: Mapping[str, Any], id_claims: Mapping[str, Any], claim: str) -> str:
    found = info.get(claim, id_claims.get(claim))
    return found[:MOST_NAME].strip() if isinstance(found, str) and is_line(found) else ""
