"""What may stand in the configuration of a tenant's single sign-on. Raises `Refused` with a pointer per field."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from django.conf import settings

from tenants.errors import FieldError, Refused
from tenants.lines import is_line
from tenants.oidc import metadata
from tenants.roles import Role

MASK = "****"
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
MOST_GROUPS, MOST_DOMAINS, MOST_GROUP_NAME = 200, 50, 200
LEAST_HOURS, MOST_HOURS = 1, 720


@dataclass(frozen=True, slots=True)
class Wanted:
    """`client_secret`: `****` keeps the one that is there."""

    enabled: bool
    issuer: str
    client_id: str
    client_secret: str = field(default=MASK, repr=False)
    scopes: str = "openid email profile"
    default_role: str = Role.VIEWER.value
    group_claim: str = "groups"
    group_roles: Mapping[str, str] = field(default_factory=dict)
    allowed_domains: tuple[str, ...] = ()
    create_members: bool = False
    link_by_email: bool = False
    required: bool = False
    session_hours: int = 12

    @property
    def maps_owners(self) -> bool:
        return Role.OWNER.value in self.group_roles.values()


def check(wanted: Wanted) -> None:
    """Raise `Refused` with every field that is wrong."""
    errors = tuple(error for rule in RULES for error in rule(wanted))
    if errors:
        raise Refused(errors[0].detail, "invalid", 422, errors)


def _issuer(wanted: Wanted) -> Iterator[FieldError]:
    # Plain http is for providers of one's own network, where the installation allows that (VELOFLUX_OUTBOUND_ALLOWED).
    secure = not settings.OUTBOUND_ALLOWED
    if len(wanted.issuer) > 300 or not metadata.is_url(wanted.issuer, secure=secure) or "?" in wanted.issuer:
        yield _wrong("issuer", "Enter the provider's issuer: an https:// URL without a query, 300 characters at most.")
    elif wanted.issuer.endswith(metadata.SUFFIX):
        yield _wrong("issuer", "Enter the issuer alone, without /.well-known/openid-configuration.")


def _client(wanted: Wanted) -> Iterator[FieldError]:
    if not wanted.client_id or len(wanted.client_id) > 255 or not is_line(wanted.client_id):
        yield _wrong("client_id", "Enter the client id that the provider gave you.")
    if len(wanted.client_secret) > 1000 or not is_line(wanted.client_secret):
        yield _wrong("client_secret", "A client secret is one line of at most 1000 characters.")


def _scopes(wanted: Wanted) -> Iterator[FieldError]:
    words = wanted.scopes.split(" ")
    if "openid" not in words or len(wanted.scopes) > 200 or not all(SCOPE.fullmatch(word) for word in words):
        yield _wrong("scopes", "Enter scopes with single spaces between them; “openid” is one of them.")


def _roles(wanted: Wanted) -> Iterator[FieldError]:
    if wanted.default_role not in set(Role) - {Role.OWNER}:
        yield _wrong("default_role", "Whoever comes in by single sign-on starts as admin, operator, viewer or billing.")
    if not wanted.group_claim or len(wanted.group_claim) > 80 or not is_line(wanted.group_claim):
        yield _wrong("group_claim", "Enter the name of the claim that lists groups, such as “groups”.")
    if len(wanted.group_roles) > MOST_GROUPS:
        yield _wrong("group_roles", f"At most {MOST_GROUPS} groups can be mapped.")
    for name, role in wanted.group_roles.items():
        if not name or len(name) > MOST_GROUP_NAME or not is_line(name):
            yield _wrong("group_roles", f"A group's name is one line of at most {MOST_GROUP_NAME} characters.")
        if role not in set(Role):
            yield _wrong("group_roles", f"There is no role “{str(role)[:40]}”.")


def _domains(wanted: Wanted) -> Iterator[FieldError]:
    if len(wanted.allowed_domains) > MOST_DOMAINS:
        yield _wrong("allowed_domains", f"At most {MOST_DOMAINS} domains can be listed.")
    for name in wanted.allowed_domains:
        if not DOMAIN.fullmatch(name):
            yield _wrong("allowed_domains", f"“{name[:80]}” is not a domain such as example.com.")


def _times(wanted: Wanted) -> Iterator[FieldError]:
    if not LEAST_HOURS <= wanted.session_hours <= MOST_HOURS:
        yield _wrong("session_hours", f"A session lasts {LEAST_HOURS} to {MOST_HOURS} hours.")
    if wanted.required and not wanted.enabled:
        yield _wrong("required", "Single sign-on can only be required while it is switched on.")


def _wrong(name: str, detail: str) -> FieldError:
    return FieldError(f"/{name}", "invalid", detail)


RULES: tuple[Callable[[Wanted], Iterator[FieldError]], ...] = (_issuer, _client, _scopes, _roles, _domains, _times)
